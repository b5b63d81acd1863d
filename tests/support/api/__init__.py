"""Requests and event clients for tests of the API, and what fills Postgres for them."""
