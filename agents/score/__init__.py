"""The score role: `ingest` → `predictions`, and records that can't be scored → `dead-letters`.

Order of reading: `role` (the Faust app), `scorer` (one chunk: decode, score, send), `chunk` (messages → blocks; pure),
`dlq_limit` and `pause` (scoring pauses when too many records are bad).
"""
