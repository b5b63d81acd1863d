"""The review queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from relearn.agents.learning.feature_contributions import contributions
from relearn.agents.learning.review_choice import Choice
from relearn.api.http.call import Call, Handlers
from relearn.api.http.context import Context
from relearn.api.queries.review_queue import Answer, read_answers
from relearn.api.review.served_via import remember_served
from relearn.api.routes.predictions import words_of
from relearn.schemas.features import values_of
from relearn.schemas.http.review_queue import (
    ReviewAnswer,
    ReviewClaimBody,
    ReviewFeature,
    ReviewItem,
    ReviewQueue,
    ReviewQueueQuery,
)
from relearn.schemas.identity import Place
from relearn.schemas.messages.feedback import Via
from relearn.schemas.model.linear_svm import Model

#: The reviewer answers items of these kinds without seeing the prediction.
BLIND: frozenset[Via] = frozenset(("audit", "disagree"))


async def list_review_items(call: Call[None, ReviewQueueQuery, None]) -> ReviewQueue:
    """Choose records without claiming them."""
    choices, waiting, at_least = await call.context.review_pool.look(call.query.limit)
    answers = await read_answers(call.context.pool, [one.candidate.place for one in choices])
    return ReviewQueue(_items(call.context, choices, answers), None, 0.0, waiting, at_least)


async def claim_review_items(call: Call[None, None, ReviewClaimBody]) -> ReviewQueue:
    """Choose and claim records, and store the `via` that their feedback will be recorded with."""
    context = call.context
    choices, waiting, at_least = await context.review_pool.take(call.body.limit)
    try:
        answers = await read_answers(context.pool, [one.candidate.place for one in choices])
    except Exception:
        await context.review_pool.give_back(choices)
        raise
    served = {one.candidate.place: one.via for one in choices}
    await remember_served(context.redis, context.settings.namespace, served)
    items = _items(context, choices, answers)
    return ReviewQueue(items, None, context.settings.review_claim_s, waiting, at_least)


def _items(context: Context, choices: Sequence[Choice], answers: Mapping[Place, Answer]) -> list[ReviewItem]:
    live = context.live.current
    model = None if live is None else live.model
    return [_item(one, answers[one.candidate.place], model) for one in choices if one.candidate.place in answers]


def _item(choice: Choice, found: Answer, live: Model | None) -> ReviewItem:
    """The item. It has contributions if its model is still the live one."""
    blind = choice.via in BLIND
    values = values_of(found.schema, found.features, found.strings)
    schema = found.schema if found.schema is not None or live is None else live.schema
    known = schema is not None and len(schema) == len(values)
    names = schema.names if schema is not None and known else tuple(f"x{i + 1}" for i in range(len(values)))
    explained = None
    if not blind and live is not None and live.version == found.model:
        explained = contributions(live, found.features, found.strings, found.label)
    pushes = [None] * len(names) if explained is None else explained.each.tolist()
    answer = ReviewAnswer(
        found.label,
        list(found.margins),
        found.confidence,
        found.model,
        None if explained is None else explained.base,
    )
    return ReviewItem(
        str(choice.candidate.place),
        choice.via,
        blind,
        found.id,
        found.subject,
        found.batch,
        found.context,
        [ReviewFeature(*one) for one in zip(names, values, pushes, words_of(explained, len(names)), strict=True)],
        None if blind else answer,
        list(live.classes) if live is not None else [],
        found.ingested_at.isoformat(),
    )


HANDLERS: Handlers = {"list_review_items": list_review_items, "claim_review_items": claim_review_items}
