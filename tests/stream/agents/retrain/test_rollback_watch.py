"""What the watch on a champion reads of Postgres, look by look, against all of it read at once."""

from __future__ import annotations

import numpy as np
import pytest

from relearn.agents.learning.rollback_verdict import AnswerPair, audited, compare_answers
from relearn.agents.retrain.rollback_watch import Watched, evidence
from relearn.agents.stores.feedback.reviewer_statements import all_statements
from relearn.agents.stores.postgres import Connection
from relearn.schemas.settings import Settings
from tests.support.data.models import a_model
from tests.support.data.stored import tables

CHAMPION, FORMER = 2, a_model(1, classes=("no", "yes"))
TRAINED_ON = frozenset(("key-0", "key-1"))
#: Records of a subject each or of two, which several people label, take back and label again.
RECORDS, LOOKS = 60, 60
_SAY = """
INSERT INTO corrections (feedback, sent_at, sent_partition, sent_offset, label, reviewer, via, generation,
    kafka_partition, kafka_offset, record_index, ingested_at, key, features, predicted, model, activation)
VALUES (gen_random_uuid()::text, to_timestamp($1::int), 0, $1::int, $2, $3, $4, 0, 0, $5::int, 0, to_timestamp(0),
    'key-' || $5::int / 2, $6, $7, $8, 1)
"""


async def _say(connection: Connection, rng: np.random.Generator, sent: int) -> None:
    """One statement about some record; every third record is another model's."""
    record = int(rng.integers(RECORDS))
    label = [None, "no", "yes"][rng.integers(3)]
    reviewer = [None, "ann", "bob"][rng.integers(3)]
    via = str(rng.choice(["audit", "batch", "queue", "volunteer"]))
    features = np.random.default_rng(record).normal(size=4).tolist()
    model = 1 if record % 3 == 0 else CHAMPION
    await connection.execute(_SAY, sent, label, reviewer, via, record, features, "yes", model)


async def _plainly(connection: Connection, limit: int) -> list[AnswerPair]:
    """What counts, of all statements."""
    found = [one for one in await all_statements(connection) if one.model == CHAMPION]
    return compare_answers(audited(found, TRAINED_ON), FORMER)[:limit]


@pytest.mark.parametrize("limit", [3, 1000])
@pytest.mark.parametrize("seed", [1, 2])
async def test_each_look_finds_what_reading_everything_finds(settings: Settings, limit: int, seed: int) -> None:
    """Labels change, are withdrawn, and are stored later than statements sent after them."""
    rng = np.random.default_rng(seed)
    sent = rng.permutation(10 * LOOKS).tolist()
    watched = Watched(2, CHAMPION, FORMER, TRAINED_ON)
    before: list[AnswerPair] = []
    async with tables(settings, size=1) as pool, pool.acquire() as connection:
        for _ in range(LOOKS):
            for _ in range(rng.integers(4)):
                await _say(connection, rng, sent.pop())
            found = await evidence(connection, watched, limit=limit)
            plain = await _plainly(connection, limit)
            assert found == plain or (found == [] and plain == before)
            before = plain
    assert before


async def test_nothing_is_read_again_where_nothing_that_counts_was_said(settings: Settings) -> None:
    """A record beyond the limit, or one without an audit."""
    watched = Watched(2, CHAMPION, FORMER, frozenset())
    say = "yes", "ann", "audit"
    async with tables(settings, size=1) as pool, pool.acquire() as connection:
        for sent, (label, reviewer, via) in enumerate([say, say, say, ("no", "bob", "volunteer")]):
            await connection.execute(_SAY, sent, label, reviewer, via, 2 * sent, [0.0] * 4, "yes", CHAMPION)
            found = await evidence(connection, watched, limit=2)
            assert len(found) == (sent + 1 if sent < 2 else 0)
        assert await evidence(connection, watched, limit=2) == []
