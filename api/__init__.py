"""The answers: the aiohttp application reads Postgres and Redis and sends messages. It imports agents, not scripts."""
