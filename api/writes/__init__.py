"""Writes: a request becomes a Kafka message, acknowledged by the broker before the response.

Order of reading: `outbox` (the bounded producer), `packing` (records → messages of `ingest`), `feedback`, `commands`,
`generation` (the topic's generation, part of every id), `idempotency` (the header `Idempotency-Key`).
"""
