"""Reviews counted by Postgres are those that the learning counts."""

from __future__ import annotations

import random
from collections.abc import Collection

from relearn.agents.learning.reviews import UNBIASED, Statement, reviews
from relearn.agents.stores.feedback.review_counts import Judged, New, count_judged, count_new
from relearn.agents.stores.feedback.reviewer_statements import all_statements
from relearn.schemas.settings import Settings
from tests.support.data.random_corrections import insert_random_corrections
from tests.support.data.stored import tables


def judged_of(found: list[Statement], via: Collection[str]) -> Judged:
    judged = [one for one in found if one.via in via]
    return Judged(len(judged), sum(one.corrects for one in judged))


async def test_counts_are_those_of_the_reviews_one_by_one(settings: Settings) -> None:
    """Last words, withdrawals, several reviewers, and an order that isn't that of the rows."""
    rng = random.Random(1)
    async with tables(settings) as pool, pool.acquire() as connection:
        assert await count_new(connection, 0, most=10) == New(0, None, (), (), False)
        assert await count_judged(connection, [1], ["audit"]) == {}
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
            for via in (["audit"], UNBIASED):
                assert await count_judged(connection, [1, 2, 3], via) == {
                    model: judged_of(found, via) for model, found in reviewed.items() if found
                }
            await pool.execute("DELETE FROM corrections WHERE id % 3 = 0")
