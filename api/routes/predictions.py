"""Stored predictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from relearn.agents.learning.contributions import contributions
from relearn.api.http.call import Call, Handlers
from relearn.api.http.cursors import Cursors, Int32, Int64, TimeUs, microseconds, moment
from relearn.api.http.problems import Failure
from relearn.api.queries.index_only import along
from relearn.api.queries.predictions import At, Filters, at_of, read_one, read_page
from relearn.api.queries.reviews import NOTHING, Reviewed, Said, Sent, last_words, reviewed, said_of, superseded_by
from relearn.schemas.http.operation import Page, PageQuery
from relearn.schemas.http.predictions import (
    Contribution,
    Prediction,
    PredictionDetail,
    PredictionFeedback,
    PredictionPath,
    PredictionsQuery,
    Review,
)
from relearn.schemas.identity import Place, parse_place
from relearn.schemas.model.linear_svm import Model


class Newest(Struct, frozen=True, array_like=True):
    """Where a prediction stands among all, the newest first."""

    ingested_us: TimeUs
    generation: Int32
    partition: Int32
    offset: Int64
    index: Int32


class Latest(Struct, frozen=True, array_like=True):
    """Where a statement stands among those on one prediction, the last first."""

    sent_us: TimeUs
    partition: Int32
    offset: Int64


PREDICTIONS = Cursors("predictions", Newest)
FEEDBACK = Cursors("prediction_feedback", Latest)
_LAST_OF_ALL = Sent(moment(253_402_300_799_999_999), 2**31 - 1, 2**63 - 1)


async def predictions(call: Call[None, PredictionsQuery, None]) -> Page[Prediction]:
    """A page, each with the review that counts."""
    query = call.query
    key = PREDICTIONS.read(query)
    after = (
        None
        if key is None
        else At(moment(key.ingested_us), Place(key.generation, key.partition, key.offset, key.index))
    )
    filters = Filters(query.batch, query.model, query.label, query.reviewed)
    async with along(call.context.pool) as connection:
        rows, last = await read_page(connection, filters, after, query.limit)
        places = [at_of(row).place for row in rows]
        found = reviewed(await last_words(connection, places))
    following = None
    if last is not None:
        following = PREDICTIONS.write(Newest(microseconds(last.ingested_at), *last.parameters[1:]), query)
    each = zip(rows, places, strict=True)
    return Page([Prediction(**_fields(row, place, found.get(place, NOTHING))) for row, place in each], following)


async def prediction(call: Call[PredictionPath, None, None]) -> PredictionDetail:
    """One, explained by the model that answered."""
    place = parse_place(call.path.id)
    async with along(call.context.pool) as connection:
        row = await read_one(connection, place)
        if row is None:
            raise Failure("not-found", f"There is no prediction {place}: none was stored, or it was too old to keep.")
        found = reviewed(await last_words(connection, [place])).get(place, NOTHING)
        model = None
        if row["digest"] is not None:
            model = await call.context.models.get(connection, row["model"], row["digest"])
    each, base = (None, None) if model is None else _explained(model, row)
    return PredictionDetail(
        **_fields(row, place, found),
        context=row["context"],
        contributions=each,
        base=base,
        reviews=[review_of(one) for one in found.standing],
        disputed=found.disputed,
    )


async def feedback(call: Call[PredictionPath, PageQuery, None]) -> Page[PredictionFeedback]:
    """Everything said of one prediction, whether that is still stored or not."""
    place = parse_place(call.path.id)
    async with along(call.context.pool) as connection:

        async def fetch(after: Latest | None, limit: int) -> Sequence[Said]:
            sent = _LAST_OF_ALL if after is None else Sent(moment(after.sent_us), after.partition, after.offset)
            return await said_of(connection, place, sent, limit)

        said, following = await FEEDBACK.page(call.query, fetch, _key_of, str(place))
        words = await last_words(connection, [place])
        if not words and await read_one(connection, place) is None:
            raise Failure("not-found", f"There is no prediction {place}, and nobody said anything of it.")
    return Page([_statement(one, superseded_by(one, words)) for one in said], following)


def _key_of(said: Said) -> Latest:
    return Latest(microseconds(said.sent.at), said.sent.partition, said.sent.offset)


def review_of(said: Said) -> Review:
    """A standing label as the API tells it."""
    one = said.statement
    return Review(one.label or "", one.reviewer, said.sent.at.isoformat(), one.via, said.feedback)


def _fields(row: Any, place: Place, found: Reviewed) -> dict[str, Any]:
    same = ("id", "subject", "batch", "features", "label", "margins", "confidence", "model", "activation")
    times = ("ingested_at", "scored_at", "stored_at")
    return {
        "prediction": str(place),
        **{name: row[name] for name in same},
        **{name: row[name].isoformat() for name in times},
        "review": None if found.counts is None else review_of(found.counts),
    }


def _explained(model: Model, row: Any) -> tuple[list[Contribution] | None, float | None]:
    found = contributions(model, np.array(row["features"], dtype=np.float64), row["label"])
    if found is None:
        return None, None
    each, base = found
    named = zip(model.feature_names, row["features"], each.tolist(), strict=True)
    return [Contribution(*one) for one in named], base


def _statement(said: Said, instead: Said | None) -> PredictionFeedback:
    one = said.statement
    told = said.feedback, one.label, one.reviewer, one.via, said.comment, said.sent.at.isoformat()
    return PredictionFeedback(*told, None if instead is None else instead.feedback)


HANDLERS: Handlers = {
    "list_predictions": predictions,
    "get_prediction": prediction,
    "list_prediction_feedback": feedback,
}
