"""What every worker process has, whatever its role.

Order of reading: `main` (the command's entry), `app` (the Faust app), `consumer` (fetch → chunk; commits
offsets, also at a rebalance and at the stop), `loop` (chunk → handler), `offset_ledger` (which offsets may be
committed; no I/O), `model_feed`, `state`, `readiness`, `heartbeat`, `watchdog`, `shutdown`, `logging`.
"""
