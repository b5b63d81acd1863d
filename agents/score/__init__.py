"""The score role: `ingest` → `predictions`, and records that can't be scored → `dead-letters`.

Order of reading: `role` (the Faust app), `chunk` (messages → records → blocks, pure), `dlq_limit` (when scoring pauses
because too many records are bad).
"""
