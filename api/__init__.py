"""The HTTP API: the aiohttp application reads Postgres and Redis and sends messages. It imports agents, not scripts.

In the order of a request: server/ (process, middleware), access/ (API keys), http/ (requests, errors), routes/ (the
handlers), queries/ (reads), writes/ (messages), review/ (the review queue), events/ (live events), observe/ (health,
metrics). web/ is the page.
"""
