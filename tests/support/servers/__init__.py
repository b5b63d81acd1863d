"""Kafka, Postgres and Valkey for tests: embedded, and secured with passwords and TLS."""
