"""Reviews counted by Postgres are those that the learning counts."""

from __future__ import annotations

import random

from relearn.agents.learning.reviews import Statement, reviews
from relearn.agents.stores.feedback.review_counts import Audits, New, count_audits, count_new
from relearn.agents.stores.feedback.reviewer_statements import all_statements
from relearn.schemas.settings import Settings
from tests.support.data.random_corrections import insert_random_corrections
from tests.support.data.stored import tables


def audits_of(found: list[Statement]) -> Audits:
    audits = [one for one in found if one.via == "audit"]
    return Audits(len(audits), sum(one.corrects for one in audits))


async def test_counts_are_those_of_the_reviews_one_by_one(settings: Settings) -> None:
    """Last words, withdrawals, several reviewers, and an order that isn't that of the rows."""
    rng = random.Random(1)
    async with tables(settings) as pool, pool.acquire() as connection:
        assert await count_new(connection, 0, most=10) == New(0, None, (), (), False)
        assert await count_audits(connection, [1]) == {}
        for _ in range(30):
            await insert_random_corrections(pool, rng, rng.randrange(1, 30))
            statements = await all_statements(connection)
            since = statements[rng.randrange(len(statements))].id - 1
            new = [one for one in statements if one.id > since]
            found = reviews(new)
            for more in (False, True):
                # `new` is counted in full where it fits exactly, and after a newer one was stored, too.
                assert await count_new(connection, since, most=len(new)) == New(
                    new[-1].id,
                    max(one.stored_s for one in new),
                    tuple(sorted(one.stored_s for one in found if one.corrects)),
                    tuple(sorted(one.stored_s for one in found)),
                    more,
                )
                if not more:
                    await insert_random_corrections(pool, rng, 1)
            statements = await all_statements(connection)
            reviewed = {model: reviews(one for one in statements if one.model == model) for model in (1, 2, 3)}
            assert await count_audits(connection, [1, 2, 3]) == {
                model: audits_of(found) for model, found in reviewed.items() if found
            }
            await pool.execute("DELETE FROM corrections WHERE id % 3 = 0")
