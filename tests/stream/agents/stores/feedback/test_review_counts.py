"""Reviews counted by Postgres are those that the learning counts."""

from __future__ import annotations

import random

from relearn.agents.learning.reviews import Statement, reviews
from relearn.agents.stores.feedback.review_counts import Audits, New, count_audits, count_new
from relearn.agents.stores.feedback.statements import all_statements
from relearn.agents.stores.postgres import Pool
from relearn.schemas.settings import Settings
from tests.support.data.stored import tables

_SAY = """
INSERT INTO corrections (feedback, sent_at, sent_partition, sent_offset, label, reviewer, via, generation,
    kafka_partition, kafka_offset, record_index, ingested_at, key, features, predicted, model, activation) VALUES (
    gen_random_uuid()::text, to_timestamp($1::float8), $2, $3, $4, $5, $6, 0, 0, $7, 0, now(), 'k', '{}', 'no', $8, 1)
"""


async def say(pool: Pool, rng: random.Random, count: int) -> None:
    """Statements of a few reviewers about a few predictions, over and over, in another order than they were sent."""
    for offset in range(count):
        about = rng.randrange(8)
        said = rng.choice(["yes", "no", "no", None]), rng.choice(["ann", "bob", None])
        sent = float(rng.randrange(5)), rng.randrange(2), offset
        await pool.execute(_SAY, *sent, *said, rng.choice(["audit", "queue", "volunteer"]), about, 1 + about % 2)


def audits_of(found: list[Statement]) -> Audits:
    audits = [one for one in found if one.via == "audit"]
    return Audits(len(audits), sum(one.corrects for one in audits))


async def test_counts_are_those_of_the_reviews_one_by_one(settings: Settings) -> None:
    """Last words, withdrawals, several reviewers, and an order that isn't that of the rows."""
    rng = random.Random(1)
    async with tables(settings) as pool, pool.acquire() as connection:
        assert await count_new(connection, 0) == New(0, None, 0, ())
        assert await count_audits(connection, [1]) == {}
        for _ in range(30):
            await say(pool, rng, rng.randrange(1, 30))
            statements = await all_statements(connection)
            since = statements[rng.randrange(len(statements))].id - 1
            new = [one for one in statements if one.id > since]
            found = reviews(new)
            assert await count_new(connection, since) == New(
                new[-1].id,
                max(one.stored_s for one in new),
                len(found),
                tuple(sorted(one.stored_s for one in found if one.corrects)),
            )
            reviewed = {model: reviews(one for one in statements if one.model == model) for model in (1, 2, 3)}
            assert await count_audits(connection, [1, 2, 3]) == {
                model: audits_of(found) for model, found in reviewed.items() if found
            }
            await pool.execute("DELETE FROM corrections WHERE id % 3 = 0")
