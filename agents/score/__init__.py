"""The score role: `ingest` → `predictions`, and records that can't be scored → `dead-letters`.

Order of reading: `role` (the Faust app), `scorer` (one chunk: decode, score, send), `scored_chunk` (messages → blocks
and rejects; pure), `block_sender` (blocks → the broker, within its limits), `block_partition` (where a block goes),
`dlq_limit` and `pause` (scoring pauses when too many records are bad).
"""
