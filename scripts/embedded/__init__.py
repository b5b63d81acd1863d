"""Kafka, Postgres and Valkey on this machine, from packages, without Docker or root."""
