"""What commands send, wait for and query.

Order of reading: `environment` (settings), `private_files` (closed to other users), `send_and_wait` (a command to the
retrain role), `schema_change` (one that waits for all workers), `producer`, `pacing` (sending at a rate), `query`
(Postgres), `migrations` (topics and tables), `condition` with `api_state`, `runfile`, `committed` and `lag` (the state
of a deployment), `time_argument`.
"""
