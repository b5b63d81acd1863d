"""Labels are read once, and what is kept is always what the tables hold."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import numpy as np
import pytest

from relearn.agents.stores.feedback.packed_features import packed, unpacked
from relearn.agents.stores.postgres import PAGE_ROWS, Pool, read_snapshot
from relearn.agents.stores.training.examples import load_examples
from relearn.agents.stores.training.kept_labels import KeptLabels
from relearn.agents.stores.training.loads import withdraw_loads
from relearn.schemas.features import numbers_alone
from relearn.schemas.settings import Settings
from tests.support.data.stored import tables

_CORRECTIONS = """
INSERT INTO corrections (feedback, sent_at, sent_partition, sent_offset, via, label, reviewer, predicted, model,
    activation, key, features, generation, kafka_partition, kafka_offset, record_index, ingested_at)
SELECT 'f-' || i, now(), 0, i, 'audit', 'a', 'ann', 'b', 1, 1, 'key-' || i, ARRAY[i, -0.5], 0, 1, i, 0, now()
FROM generate_series($1::int, $2::int) AS i
"""


async def read(kept: KeptLabels, pool: Pool) -> tuple[Sequence[Any], Sequence[Any]]:
    """Statements and examples."""
    async with read_snapshot(pool) as connection:
        return await kept.statements(connection), await kept.examples(connection)


async def load(pool: Pool, n: int, names: tuple[str, ...] = ("x", "y")) -> None:
    features = np.random.default_rng(n).normal(size=(n, len(names)))
    labels = ["a", "b"] * (n // 2)
    await load_examples(
        pool,
        schema=numbers_alone(names),
        features=features,
        labels=labels,
        subjects=[None] * n,
        source=f"{n}.csv",
        by="ann",
    )


def plain(found: tuple[Sequence[Any], Sequence[Any]]) -> list[Any]:
    """With lists as features, so that they can be compared."""
    statements, examples = found
    return [one._replace(features=list(one.features)) for one in statements] + [
        (arrival, one._replace(features=list(one.features))) for arrival, one in examples
    ]


async def test_only_what_is_new_is_read(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, n = KeptLabels(), PAGE_ROWS + 10
    async with tables(settings) as pool:
        await load(pool, 20)
        assert [len(rows) for rows in await read(kept, pool)] == [0, 20]
        await pool.execute(_CORRECTIONS, 1, n)
        first, examples = await read(kept, pool)
        assert [(one.key, list(one.features)) for one in first] == [(f"key-{i}", [i, -0.5]) for i in range(1, n + 1)]
        await pool.execute(_CORRECTIONS, n + 1, n + 5)
        await load(pool, 30)
        second, more = await read(kept, pool)
        assert (len(second), len(more)) == (n + 5, 50)
        assert all(one is before for one, before in zip(second, first, strict=False))
        assert all(one is before for one, before in zip(more, examples, strict=False))
        assert len(first) == n, "a snapshot that was taken stays as it was"
        again = await read(kept, pool)
        assert again[0] is second
        assert again[1] is more


CHANGES = (
    "DELETE FROM corrections WHERE id = (SELECT min(id) FROM corrections)",
    "DELETE FROM corrections WHERE id = (SELECT max(id) FROM corrections)",
    "UPDATE corrections SET label = 'c' WHERE id = (SELECT min(id) FROM corrections)",
    "UPDATE corrections SET label = NULL WHERE id = (SELECT min(id) FROM corrections)",
    "UPDATE corrections SET reviewer = 'bob' WHERE id = (SELECT max(id) FROM corrections)",
    "DELETE FROM examples WHERE id = (SELECT min(id) FROM examples)",
    "UPDATE examples SET label = 'c' WHERE id = (SELECT max(id) FROM examples WHERE NOT withdrawn)",
)


@pytest.mark.parametrize("seed", range(3))
async def test_what_is_kept_is_what_the_tables_hold_whatever_was_done_to_them(settings: Settings, seed: int) -> None:
    """Rows deleted or changed by an operator, loads withdrawn, features replaced, a table emptied and filled."""
    random, kept, sent = Random(seed), KeptLabels(), 0
    async with tables(settings.model_copy(update={"postgres_dsn": settings.migration_dsn})) as pool:
        await load(pool, 10)
        for step in range(12):
            match random.randrange(5):
                case 0:
                    await load(pool, 12 + 2 * step)
                case 1 if await pool.fetchval("SELECT count(*) FROM examples WHERE NOT withdrawn"):
                    newest = await pool.fetchval("SELECT max(id) FROM loads WHERE withdrawn_at IS NULL")
                    await withdraw_loads(pool, str(newest))
                case 2:
                    await pool.execute(random.choice(CHANGES))
                case 3:
                    # Other rows under the ids of those that were there, as after a restored backup.
                    await pool.execute("TRUNCATE corrections RESTART IDENTITY")
                    await pool.execute(_CORRECTIONS, sent + 1, sent + 10)
                    sent += 10
                case _:
                    await pool.execute(_CORRECTIONS, sent + 1, sent + 3)
                    sent += 3
            assert plain(await read(kept, pool)) == plain(await read(KeptLabels(), pool))


async def test_features_that_are_no_row_of_numbers_are_none(settings: Settings) -> None:
    """An operator's, or of another program: training leaves such a row out and goes on with the others."""
    arrays = ["{}", "{1,2}", "{1.5,-0,NaN}", "{Infinity,1e-320}", "{NULL,2}", "{NULL,NULL,NULL}", "{{1,2},{3,4}}"]
    async with tables(settings) as pool:
        query = f"SELECT {packed('a::float8[]')} FROM unnest($1::text[]) AS a"
        found = list(unpacked([row[0] for row in await pool.fetch(query, arrays + arrays[:2])]))
    plain_ones = [[], [1.0, 2.0], [1.5, -0.0, float("nan")], [float("inf"), 1e-320]]
    for one, wanted in zip(found, [*plain_ones, [], [], [], [], [1.0, 2.0]], strict=True):
        assert np.array_equal(one, np.array(wanted), equal_nan=True)
        assert not one.flags.writeable or not one.size
