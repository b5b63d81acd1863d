"""`relearn up`: Kafka, Postgres, Valkey, workers and API on this machine, without Docker or root.

Order of reading: `stack` (everything, as one context), `data_dir` (one supervisor per directory), servers/, processes/
(the supervisor), `keys` (signing keys), `api` and `api_pool` (API processes), `report` (output).
"""
