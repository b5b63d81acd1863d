"""What every worker process has, whatever its role.

Order of reading: `main` (the command's entry), `app` (the Faust app), `driver` (fetch → chunk), `loop` (chunk →
handler), `offsets` (what may be committed), `model_feed`, `state`, `readiness`, `heartbeat`, `watchdog`, `shutdown`,
`logging`.
"""
