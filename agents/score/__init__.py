"""The score role: `ingest` → `predictions`, and records that can't be scored → `dead-letters`.

Order of reading: `role` (the Faust app), `scorer` (one chunk: decode, score, send), `score_records` (messages →
blocks and rejects: what `schemas.messages` can't decode, and margins that overflow; pure), `block_sender` (blocks →
the broker, within its limits), `block_partition` (where a block goes), `dead_letter_share` and `pause` (scoring
pauses when too many records are bad).
"""
