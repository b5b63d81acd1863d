"""Live events in one API process: Redis → one reader → every client of `GET /v1/events`.

Order of reading: `reader` (entries from Redis), `merge` (many events → few), `hub` (all clients), `client_queue` (one
client).
"""
