"""What every worker process has, whatever its role.

Order of reading: `main` (the command's entry), `app` (the Faust app), `consumer` (fetch → chunk; commits offsets, also
at a rebalance and at the stop), `consumer_thread` (polls and commits, by topic id), `loop` (chunk → handler),
`offset_ledger` (which offsets may be committed; no I/O), `model_feed`, `state`, `readiness`, `heartbeat`,
`offset_watch` (what vanished or is held back), `watchdog`, `shutdown`, `logging`.
"""
