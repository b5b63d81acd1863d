"""The store role: `predictions` → rows in Postgres and the recent view in Redis; `dead-letters` → their table.

Order of reading: `role` (the Faust app), `writer` (one chunk: decode, store, show), `decode` (messages → blocks; an
undecodable message becomes a dead letter), `retention_watch` (when old partitions are dropped).
"""
