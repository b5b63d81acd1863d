"""The three embedded servers, installed from packages.

Order of reading: `local` (all three), `kafka` and `jars`, `postgres` and `account`, `valkey`, `secrets` (passwords),
`ports`.
"""
