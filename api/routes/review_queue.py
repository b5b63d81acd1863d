"""The review queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from relearn.agents.learning.feature_contributions import Explanation, contributions
from relearn.agents.learning.onto_model import onto_model, values_onto
from relearn.agents.learning.review_choice import Choice
from relearn.agents.models.live import Served
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
from relearn.schemas.schema_versions import SchemaChain

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
    chain = None if live is None else context.live.chain_of(live)
    return [_item(one, answers[one.candidate.place], live, chain) for one in choices if one.candidate.place in answers]


def _explained(found: Answer, live: Served, chain: SchemaChain | None) -> Explanation | None:
    """What the live model's features add to its answer; of a record of another version, projected onto the model."""
    scored: tuple[Any, Any] = (found.features, found.strings)
    if chain is not None and found.version is not None:
        projection = onto_model(chain, found.version, live.model, live.schema)
        scored = values_onto(projection, live.model, *scored)
    return contributions(live.model, *scored, found.label)


def _item(choice: Choice, found: Answer, served: Served | None, chain: SchemaChain | None) -> ReviewItem:
    """The item. It has contributions if its model is still the live one."""
    blind, live = choice.via in BLIND, None if served is None else served.model
    values = values_of(found.schema, found.features, found.strings)
    schema = found.schema if found.schema is not None or live is None else live.schema
    known = schema is not None and len(schema) == len(values)
    names = schema.names if schema is not None and known else tuple(f"x{i + 1}" for i in range(len(values)))
    explained, pushes, words = None, dict[str, float](), dict[str, Any]()
    if not blind and served is not None and served.model.version == found.model:
        explained = _explained(found, served, chain)
        if explained is not None:
            own = served.model.feature_names
            pushes = dict(zip(own, explained.each.tolist(), strict=True))
            words = dict(zip(own, words_of(explained, len(own)), strict=True))
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
        [
            ReviewFeature(name, value, pushes.get(name), words.get(name))
            for name, value in zip(names, values, strict=True)
        ],
        None if blind else answer,
        list(live.classes) if live is not None else [],
        found.ingested_at.isoformat(),
    )


HANDLERS: Handlers = {"list_review_items": list_review_items, "claim_review_items": claim_review_items}
