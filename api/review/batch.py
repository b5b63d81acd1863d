"""A review of a batch → feedback on each of its predictions. Pure."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from relearn.api.http.problems import ProblemError, invalid_fields, text_faults
from relearn.api.queries.batch_rows import BatchRow
from relearn.schemas.errors import BadIdentity, BadMessage
from relearn.schemas.http.batches import BatchReviewBody
from relearn.schemas.http.problems import FieldFault
from relearn.schemas.identity import Place, parse_place
from relearn.schemas.labels import read_label
from relearn.schemas.messages.feedback import Feedback


class Verdict(NamedTuple):
    """A rating or a label for one subject or prediction."""

    rating: int | None
    label: str | None = None


class Verdicts(NamedTuple):
    """Verdicts by subject or by place, in the order given; one of both is empty."""

    subjects: Mapping[str, Verdict]
    places: Mapping[Place, Verdict]


def read_verdicts(review: BatchReviewBody) -> Verdicts:
    """The verdicts of a request.

    Raises:
        ProblemError: contradictory, empty or unreadable.
    """
    faults = list(_contradictions(review)) or list(_unreadable(review))
    if faults:
        raise invalid_fields(faults)
    given = [Verdict(rating) for rating in review.ratings or ()]
    given += [Verdict(None, None if label is None else read_label(label)) for label in review.labels or ()]
    subjects, places = review.subjects or (), [parse_place(one) for one in review.predictions or ()]
    return Verdicts(dict(zip(subjects, given, strict=not places)), dict(zip(places, given, strict=not subjects)))


def _contradictions(review: BatchReviewBody) -> Iterator[FieldFault]:
    named = review.subjects or review.predictions or ()
    if review.subjects and review.predictions:
        yield FieldFault("predictions", "either `subjects` or `predictions`")
    elif not named and not review.confirm_rest:
        yield FieldFault("subjects", "nothing is named, and `confirm_rest` isn't set")
    elif review.ratings is not None and review.labels is not None:
        yield FieldFault("labels", "either `ratings` or `labels`")
    elif named and review.ratings is None and review.labels is None:
        yield FieldFault("ratings", "there are neither `ratings` nor `labels`")
    for name in ("ratings", "labels"):
        given = getattr(review, name)
        if given is not None and len(given) != len(named):
            yield FieldFault(name, f"{len(given)} entries; {len(named)} are named")


def _unreadable(review: BatchReviewBody) -> Iterator[FieldFault]:
    yield from text_faults("subjects", review.subjects or ())
    yield from _twice("subjects", review.subjects or ())
    places: list[str] = []
    for i, one in enumerate(review.predictions or ()):
        try:
            places.append(str(parse_place(one)))
        except BadIdentity as exc:
            yield FieldFault(f"predictions[{i}]", str(exc))
    yield from _twice("predictions", places)
    for i, label in enumerate(review.labels or ()):
        try:
            _ = None if label is None else read_label(label)
        except BadMessage as exc:
            yield FieldFault(f"labels[{i}]", exc.detail)


def _twice(name: str, given: Sequence[str]) -> Iterator[FieldFault]:
    counts = Counter(given)
    yield from (FieldFault(f"{name}[{i}]", f"{one!r} is given twice") for i, one in enumerate(given) if counts[one] > 1)


def check_known(verdicts: Verdicts, rows: Sequence[BatchRow]) -> None:
    """Return if the batch has a prediction for each verdict.

    Raises:
        ProblemError: names the subjects or ids without one.
    """
    subjects, places = {row.subject for row in rows}, {row.place for row in rows}
    faults = [
        FieldFault(f"subjects[{i}]", f"no stored record of this batch is about {one!r}")
        for i, one in enumerate(verdicts.subjects)
        if one not in subjects
    ]
    faults += [
        FieldFault(f"predictions[{i}]", f"{one} isn't stored in this batch")
        for i, one in enumerate(verdicts.places)
        if one not in places
    ]
    if faults:
        raise invalid_fields(faults)


def verdict_on(row: BatchRow, verdicts: Verdicts) -> Verdict:
    """The verdict on a row."""
    return verdicts.places[row.place] if verdicts.places else verdicts.subjects[row.subject or ""]


def feedback_on(
    row: BatchRow,
    verdict: Verdict,
    classes: Mapping[int, Sequence[str]],
    reviewer: str | None,
    *,
    principal: str | None = None,
    write_id: uuid.UUID | None = None,
) -> Feedback:
    """The feedback on one row.

    Args:
        classes: of each model with a prediction rated 0, as far as they are known.
        principal: the id of the API key.
        write_id: what the ids of a repeated request are made from; None: each request is new.

    Raises:
        ProblemError: rated 0, and the model doesn't have exactly two classes.
    """
    label = verdict.label
    if verdict.rating == 1:
        label = row.label
    elif verdict.rating == 0:
        others = [one for one in classes.get(row.model, ()) if one != row.label]
        if len(others) != 1:
            detail = f"{row.place} isn't from a model of two classes, so a rating of 0 gives no label: give `labels`"
            raise ProblemError("malformed", detail, [FieldFault("ratings", detail)])
        label = others[0]
    feedback_id = uuid.uuid4() if write_id is None else uuid.uuid5(write_id, str(row.place))
    return Feedback(str(feedback_id), label, row.place, None, reviewer, "batch", None, principal)


def confirmation_of(row: BatchRow, namespace: str, reviewer: str | None, principal: str | None = None) -> Feedback:
    """The confirmation of an unreviewed row. Its id is the same each time, so that a reviewer confirms a row once."""
    name = f"relearn:{namespace}:confirm:{reviewer or ''}:{row.place}"
    return Feedback(
        str(uuid.uuid5(uuid.NAMESPACE_URL, name)), row.label, row.place, None, reviewer, "batch", None, principal
    )
