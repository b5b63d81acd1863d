"""What the API measures and reports about itself and its servers.

Order of reading: `health` and `probes` (`/readyz`), `metrics` (`/metrics`), `accuracy` (a model's audits as an
estimate), `single_flight` (one query for concurrent callers).
"""
