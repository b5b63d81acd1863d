"""Rows of `corrections` at random: few reviewers, few predictions, and an order that isn't that of the rows."""

from __future__ import annotations

import random

from relearn.agents.stores.postgres import Pool

_INSERT = """
INSERT INTO corrections (feedback, arrival, sent_at, sent_partition, sent_offset, label, reviewer, via, generation,
    kafka_partition, kafka_offset, record_index, ingested_at, key, features, predicted, model, activation)
VALUES (
    gen_random_uuid()::text, $1::float8::bigint, to_timestamp($1::float8), $2, $3, $4, $5, $6, 0, 0, $7, 0, now(), 'k',
    '{}', 'no', $8, 1)
"""


async def insert_random_corrections(pool: Pool, rng: random.Random, count: int) -> None:
    """Insert `count` statements; models 1 and 2 made the eight predictions. No two are in the same place in Kafka."""
    first = await pool.fetchval("SELECT coalesce(max(id), 0) FROM corrections")
    for offset in range(first, first + count):
        about = rng.randrange(8)
        said = rng.choice(["yes", "no", "no", None]), rng.choice(["ann", "bob", None])
        sent = float(rng.randrange(5)), rng.randrange(2), offset
        await pool.execute(_INSERT, *sent, *said, rng.choice(["audit", "queue", "volunteer"]), about, 1 + about % 2)
