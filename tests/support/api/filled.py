"""Fills Postgres for tests of the API with the functions that workers use; no worker runs."""

from __future__ import annotations

import uuid
from typing import Any

from relearn.agents.stores.feedback.corrections import Taken, store_feedback
from relearn.agents.stores.postgres import Pool
from relearn.agents.stores.predictions.insert import Stored, store_blocks
from relearn.schemas.messages.feedback import Feedback
from relearn.schemas.messages.predictions import Block
from relearn.schemas.model.linear_svm import Model, encode_model, model_digest
from tests.support.data.blocks import NOON_S
from tests.support.data.feedbacks import feedback, statement

_MODEL = """
INSERT INTO models (version, job, state, body, sha256, metrics, set_digest, example_ids)
VALUES ($1, $2, $3, $4, $5, $6, '', '{}')
"""


async def store(pool: Pool, *blocks: Block) -> Stored:
    """Store predictions."""
    return await store_blocks(pool, blocks, topic="ingest", retention_days=30, now_s=NOON_S)


async def say(pool: Pool, *said: Feedback, first: int = 0) -> Taken:
    """Store feedback, one message after the other, the first at offset `first`."""
    return await store_feedback(pool, [statement(one, first + n) for n, one in enumerate(said)])


async def review(pool: Pool, number: int, prediction: str, label: str | None, **given: Any) -> str:
    """Store a statement on a prediction; `number` is the message's offset. The feedback's id."""
    said = feedback(f"f{number}", label, prediction=prediction, **given)
    taken = await say(pool, said, first=number)
    assert taken.rows == 1
    return said.id


async def register(pool: Pool, model: Model, *, state: str = "champion", activation: int | None = None) -> None:
    """Register a model with a job, and with an activation if given."""
    job, body = str(uuid.uuid4()), encode_model(model)
    await pool.execute("INSERT INTO jobs (id, command, state, reason) VALUES ($1, 'train', 'promoted', '{}')", job)
    await pool.execute(_MODEL, model.version, job, state, body, model_digest(body), {})
    if activation is not None:
        await pool.execute(
            "INSERT INTO activations (activation, role, version, job, reason, message) OVERRIDING SYSTEM VALUE"
            " VALUES ($1, 'champion', $2, $3, '{}', '')",
            activation,
            model.version,
            job,
        )
