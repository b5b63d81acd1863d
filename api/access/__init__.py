"""Access to the API: API keys, roles and rates.

Order of reading: `guard` (key, role and rate of a request), `keyring` (the API keys a process holds), `loopback`
(access while there are no API keys), `rate_limit`, `token_bucket`.
"""
