"""The store role: `predictions` → rows in Postgres and the recent view in Redis; `dead-letters` → their table.

Order of reading: `role` (the Faust app), `decode` (messages → blocks; unreadable messages become dead letters).
"""
