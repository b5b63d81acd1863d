"""Where the stream comes to rest: Postgres (the truth) and Redis (the recent view)."""
