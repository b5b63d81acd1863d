"""The answers: the aiohttp application reads Postgres and Redis and sends messages; it may import agents, never scripts."""
