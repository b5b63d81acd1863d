"""The SQL that selects the statements that count, beside the Python that defines them."""

from __future__ import annotations

import random

from relearn.agents.learning.reviews import Statement, reviews, standing_statements
from relearn.agents.stores.feedback.review_sql import latest_of_prediction, latest_reviews, latest_statements
from relearn.agents.stores.feedback.reviewer_statements import all_statements
from relearn.schemas.identity import Place
from relearn.schemas.settings import Settings
from tests.support.data.random_corrections import insert_random_corrections
from tests.support.data.stored import tables

STANDING = f"SELECT id FROM ({latest_statements('corrections')}) AS latest WHERE label IS NOT NULL"
REVIEWS = f"WITH latest AS ({latest_statements('corrections')}) {latest_reviews('latest')}"
OF_PLACE = f"SELECT id FROM ({latest_of_prediction('c.*', '$1, $2, $3, $4')}) AS latest WHERE label IS NOT NULL"


def ids(found: list[Statement]) -> set[int]:
    return {one.id for one in found}


async def test_sql_and_python_select_the_same_statements(settings: Settings) -> None:
    """Withdrawals, several reviewers and feedback without one, and an order that isn't that of the rows."""
    rng = random.Random(2)
    async with tables(settings) as pool:
        for _ in range(20):
            await insert_random_corrections(pool, rng, rng.randrange(1, 30))
            async with pool.acquire() as connection:
                statements = await all_statements(connection)
            assert {row["id"] for row in await pool.fetch(STANDING)} == ids(standing_statements(statements))
            assert {row["id"] for row in await pool.fetch(REVIEWS)} == ids(reviews(statements))
            for place in (Place(0, 0, offset, 0) for offset in range(8)):
                rows = await pool.fetch(OF_PLACE, place.generation, place.partition, place.offset, place.index)
                about = standing_statements(one for one in statements if one.place == place)
                assert {row["id"] for row in rows} == ids(about)
            await pool.execute("DELETE FROM corrections WHERE id % 3 = 0")
