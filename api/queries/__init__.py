"""What only the API asks of Postgres and Redis; what others ask too is in `agents.stores`."""
