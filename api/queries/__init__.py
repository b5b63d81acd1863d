"""Reads of Postgres that only the API needs; what the commands need as well is in `agents.stores`."""
