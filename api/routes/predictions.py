"""Stored predictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from relearn.agents.learning.feature_contributions import Explanation, contributions
from relearn.agents.learning.onto_model import values_onto
from relearn.agents.stores.features.onto import Onto, read_onto_model
from relearn.agents.stores.places import place_of_row
from relearn.agents.stores.postgres import read_snapshot
from relearn.agents.stores.predictions.keyed_writes import first_places
from relearn.agents.stores.training.models import schemas_of_rows
from relearn.api.http.budget import VALUE_BYTES
from relearn.api.http.call import Call, Handlers
from relearn.api.http.cursors import LATEST_US, Cursors, Int32, Int64, TimeUs, microseconds, moment
from relearn.api.http.problems import ProblemError
from relearn.api.http.request import LEASE
from relearn.api.queries.feedback import (
    NO_REVIEWS,
    PredictionReviews,
    RecordedStatement,
    SentAt,
    latest_statements,
    read_statements,
    reviews_by_place,
    superseded_by,
)
from relearn.api.queries.predictions import At, Filters, at_of, read_one, read_page
from relearn.schemas.errors import BadMessage
from relearn.schemas.features import FeatureSchema, values_of
from relearn.schemas.http.operation import Page, PageQuery
from relearn.schemas.http.predictions import (
    Contribution,
    Prediction,
    PredictionDetail,
    PredictionFeedback,
    PredictionPath,
    PredictionsQuery,
    Review,
    WordContribution,
)
from relearn.schemas.identity import INT32_MAX, INT64_MAX, Place, parse_place
from relearn.schemas.labels import read_label
from relearn.schemas.model.linear_svm import Model


class Newest(Struct, frozen=True, array_like=True):
    """Position of a prediction in the list, newest first."""

    ingested_us: TimeUs
    generation: Int32
    partition: Int32
    offset: Int64
    index: Int32


class Latest(Struct, frozen=True, array_like=True):
    """Position of a statement among those on one prediction, newest first."""

    sent_us: TimeUs
    partition: Int32
    offset: Int64


PREDICTIONS = Cursors("predictions", Newest)
FEEDBACK = Cursors("prediction_feedback", Latest)
_AFTER_ALL = SentAt(moment(LATEST_US), INT32_MAX, INT64_MAX)


async def list_predictions(call: Call[None, PredictionsQuery, None]) -> Page[Prediction]:
    """A page of predictions with their reviews."""
    query = call.query
    # Not `Cursors.page`: the walk ends after LOOKED rows, so a short page may have a next one.
    key = PREDICTIONS.read(query)
    after = (
        None
        if key is None
        else At(moment(key.ingested_us), Place(key.generation, key.partition, key.offset, key.index))
    )
    label = None if query.label is None else _wanted_label(query.label)
    filters = Filters(query.batch, query.model, label, query.reviewed)
    live = call.context.live.current
    if live is not None:
        call.request[LEASE].grow(VALUE_BYTES * query.limit * len(live.model.feature_names))
    async with read_snapshot(call.context.pool, index_only=True) as connection:
        rows, last = await read_page(connection, filters, after, query.limit)
        places = [at_of(row).place for row in rows]
        found = reviews_by_place(await latest_statements(connection, places))
        schema_of = await schemas_of_rows(connection, rows)
    following = None
    if last is not None:
        following = PREDICTIONS.write(Newest(microseconds(last.ingested_at), *last.parameters[1:]), query)
    each = (_fields(row, at, found.get(at, NO_REVIEWS), schema_of(row)) for row, at in zip(rows, places, strict=True))
    return Page([Prediction(**fields) for fields in each], following)


def _wanted_label(given: str) -> str:
    try:
        return read_label(given)
    except BadMessage as exc:
        raise ProblemError("malformed", f"`label`: {exc.detail}.") from exc


async def get_prediction(call: Call[PredictionPath, None, None]) -> PredictionDetail:
    """One prediction, explained by its model."""
    place = parse_place(call.path.id)
    async with read_snapshot(call.context.pool, index_only=True) as connection:
        row = await read_one(connection, place)
        if row is None:
            raise ProblemError("not-found", f"There is no prediction {place}: it was never stored, or has expired.")
        place = place_of_row(row)
        found = reviews_by_place(await latest_statements(connection, [place])).get(place, NO_REVIEWS)
        model = None
        if row["digest"] is not None:
            model = await call.context.models.get(connection, row["model"], row["digest"])
        onto = None if model is None else await read_onto_model(connection, model)
        schema = (await schemas_of_rows(connection, [row]))(row)
    each, base = (None, None) if model is None else _explained(model, row, onto)
    return PredictionDetail(
        **_fields(row, place, found, schema),
        context=row["context"],
        contributions=each,
        base=base,
        reviews=[review_of(one) for one in found.standing],
        disputed=found.disputed,
    )


async def list_prediction_feedback(call: Call[PredictionPath, PageQuery, None]) -> Page[PredictionFeedback]:
    """A page of statements on one prediction, whether the prediction is still stored or not."""
    place = parse_place(call.path.id)
    named = str(place)
    FEEDBACK.read(call.query, named)  # a malformed cursor is 400 also while Postgres is unavailable
    async with read_snapshot(call.context.pool, index_only=True) as connection:
        place = (await first_places(connection, [place])).get(place, place)

        async def fetch(after: Latest | None, limit: int) -> Sequence[RecordedStatement]:
            sent = _AFTER_ALL if after is None else SentAt(moment(after.sent_us), after.partition, after.offset)
            return await read_statements(connection, place, sent, limit)

        recorded, following = await FEEDBACK.page(call.query, fetch, _key_of, named)
        latest = await latest_statements(connection, [place])
        if not latest and await read_one(connection, place) is None:
            raise ProblemError("not-found", f"There is no prediction {place}, and no feedback on it.")
    return Page([_statement(one, superseded_by(one, latest)) for one in recorded], following)


def _key_of(recorded: RecordedStatement) -> Latest:
    return Latest(microseconds(recorded.sent.at), recorded.sent.partition, recorded.sent.offset)


def review_of(recorded: RecordedStatement) -> Review:
    """A statement as a review of the API."""
    one = recorded.statement
    return Review(one.label or "", one.reviewer, recorded.sent.at.isoformat(), one.via, recorded.feedback)


def _fields(row: Any, place: Place, found: PredictionReviews, schema: FeatureSchema | None) -> dict[str, Any]:
    same = ("id", "subject", "batch", "label", "margins", "confidence", "model", "activation")
    times = ("ingested_at", "scored_at", "stored_at")
    return {
        "prediction": str(place),
        "features": values_of(schema, row["features"], row["strings"]),
        **{name: row[name] for name in same},
        **{name: row[name].isoformat() for name in times},
        "review": None if found.review is None else review_of(found.review),
    }


def _explained(model: Model, row: Any, onto: Onto | None) -> tuple[list[Contribution] | None, float | None]:
    scored: tuple[Any, Any] = (row["features"], row["strings"])
    if onto is not None:
        version = onto.version_of(row["schema"], row["model"])
        scored = values_onto(onto.projection(version), model, *scored)
    found = contributions(model, *scored, row["label"])
    if found is None:
        return None, None
    values = values_of(model.schema, *scored)
    named = zip(model.feature_names, values, found.each.tolist(), words_of(found, len(values)), strict=True)
    return [Contribution(*one) for one in named], found.base


def words_of(explained: Explanation | None, features: int) -> list[list[WordContribution] | None]:
    """Of each feature what its words add; None where it is no text."""
    words = {} if explained is None else explained.words
    return [[WordContribution(*one) for one in words[i]] if i in words else None for i in range(features)]


def _statement(recorded: RecordedStatement, instead: RecordedStatement | None) -> PredictionFeedback:
    one = recorded.statement
    fields = recorded.feedback, one.label, one.reviewer, one.via, recorded.comment, recorded.sent.at.isoformat()
    return PredictionFeedback(*fields, None if instead is None else instead.feedback)


HANDLERS: Handlers = {
    "list_predictions": list_predictions,
    "get_prediction": get_prediction,
    "list_prediction_feedback": list_prediction_feedback,
}
