"""The embedded servers, installed from packages: three that are always needed, and a schema registry.

Order of reading: `local` (the three), `kafka` and `jars`, `postgres` and `account`, `valkey`, `secrets` (passwords),
`registry`, `ports`.
"""
