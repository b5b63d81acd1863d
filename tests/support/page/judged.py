"""Data of the reviewers' screens: predictions of a registered model, and the work of the feedback role."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from relearn.agents.stores.feedback.corrections import store_feedback
from relearn.agents.stores.live.event_content import correction_events
from relearn.schemas.messages.feedback import Feedback, decode_feedback_messages
from relearn.schemas.messages.records import RawMessage
from relearn.schemas.model.linear_svm import Floats, Model
from tests.support.api.filled import store
from tests.support.data import reviewed
from tests.support.data.blocks import block_of
from tests.support.data.messages import FakeMessage
from tests.support.data.registered import register
from tests.support.data.retrains import load
from tests.support.data.rows import messages
from tests.support.page.site import Site
from tests.support.waiting import eventually_async


async def champion(site: Site) -> Model:
    """Register a model of the classes `no` and `yes`, and let the site serve it."""
    await asyncio.to_thread(load, site.settings, 60)
    version = await asyncio.to_thread(register, site.settings)
    model = await asyncio.to_thread(reviewed.model_of, site.settings, version)
    site.client.serve(model)
    return model


async def predicted(site: Site, model: Model, n: int, features: Floats | None = None, **columns: Any) -> list[str]:
    """Store n predictions of that model at the end of partition 0; their ids."""
    pool = site.client.context.pool
    first = int(await pool.fetchval("SELECT coalesce(sum(records), 0)::bigint FROM totals"))
    given = reviewed.records(n, seed=first + 1)[0] if features is None else features
    answers = {**reviewed.answers_of(model, given), "confidence": np.full(n, 0.625, np.float32)}
    subjects = [f"record {first + i}" for i in range(n)]
    await store(pool, block_of(n, first_offset=first, **{**answers, "subjects": subjects, **columns}))
    return [f"0-{first + i}-0" for i in range(n)]


class FeedbackRole:
    """Stores the feedback that was sent, and appends its events, by the role's own functions, when a test calls it."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._taken: set[tuple[int, int]] = set()

    async def sent(self) -> list[Feedback]:
        """All statements on the topic, in Kafka's order. One that the page sent again, for want of an answer, once."""
        statements, rejects = decode_feedback_messages(await self._messages(), 0)
        assert not rejects
        ordered = [one.feedback for one in sorted(statements, key=lambda one: one.sent)]
        return list({(one.principal, one.reviewer, one.id): one for one in ordered}.values())

    async def wait_for(self, *said: tuple[str, str | None]) -> list[Feedback]:
        """Waits until these labels of predictions are the last that were sent. Returns them in Kafka's order, which is
        the order of the statements about one prediction."""
        found: list[Feedback] = []

        async def there() -> bool:
            found[:] = (await self.sent())[-len(said) :]
            return Counter((str(one.prediction), one.label) for one in found) == Counter(said)

        await eventually_async(there, lambda: f"sent were {found}, not {said}")
        return found

    async def record(self) -> int:
        """Store the new statements; returns the number of rows."""
        new = [one for one in await self._messages() if (one.partition, one.offset) not in self._taken]
        self._taken |= {(one.partition, one.offset) for one in new}
        context = self._site.client.context
        taken = await store_feedback(context.pool, decode_feedback_messages(new, 0)[0])
        await self._site.tell(*correction_events(taken.recorded))
        return taken.rows

    async def _messages(self) -> Sequence[RawMessage]:
        found = await asyncio.to_thread(messages, self._site.settings, "feedback")
        return [
            FakeMessage(one.value(), one.offset(), one.partition(), one.topic(), one.timestamp()[1], one.key())
            for one in found
        ]
