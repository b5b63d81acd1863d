"""A review of a batch → a statement on each of its predictions. Pure."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from relearn.api.http.problems import Failure, wrong_fields
from relearn.api.http.text_checks import text_faults
from relearn.api.queries.batch_rows import BatchRow
from relearn.schemas.errors import BadIdentity, BadMessage
from relearn.schemas.http.batches import BatchReviewBody
from relearn.schemas.http.problems import FieldFault
from relearn.schemas.identity import Place, parse_place
from relearn.schemas.messages.feedback import Feedback, read_label


class Verdict(NamedTuple):
    """What is said of one subject or prediction: a rating, or else a label."""

    rating: int | None
    label: str | None = None


class Verdicts(NamedTuple):
    """By subject or by place, one of them empty, in the order given."""

    subjects: Mapping[str, Verdict]
    places: Mapping[Place, Verdict]


def read_verdicts(review: BatchReviewBody) -> Verdicts:
    """What is said of what is named.

    Raises:
        Failure: it contradicts itself, says nothing, or can't be read.
    """
    faults = list(_contradictions(review)) or list(_unreadable(review))
    if faults:
        raise wrong_fields(faults)
    said = [Verdict(rating) for rating in review.ratings or ()]
    said += [Verdict(None, read_label(label)) for label in review.labels or ()]
    subjects, places = review.subjects or (), [parse_place(one) for one in review.predictions or ()]
    return Verdicts(dict(zip(subjects, said, strict=not places)), dict(zip(places, said, strict=not subjects)))


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
            read_label(label)
        except BadMessage as exc:
            yield FieldFault(f"labels[{i}]", exc.detail)


def _twice(name: str, given: Sequence[str]) -> Iterator[FieldFault]:
    counts = Counter(given)
    yield from (FieldFault(f"{name}[{i}]", f"{one!r} is given twice") for i, one in enumerate(given) if counts[one] > 1)


def check_known(verdicts: Verdicts, rows: Sequence[BatchRow]) -> None:
    """Return if the batch has a prediction for everything that is named.

    Raises:
        Failure: naming what it has none for.
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
        raise wrong_fields(faults)


def verdict_on(row: BatchRow, verdicts: Verdicts) -> Verdict:
    """What is said of a row that is named."""
    return verdicts.places[row.place] if verdicts.places else verdicts.subjects[row.subject or ""]


def judged(row: BatchRow, verdict: Verdict, classes: Mapping[int, Sequence[str]], reviewer: str | None) -> Feedback:
    """The statement on one row.

    Args:
        classes: of each model whose answer is rated 0, where they are known.

    Raises:
        Failure: rated 0, and which other class is right doesn't follow.
    """
    label = verdict.label
    if verdict.rating == 1:
        label = row.label
    elif verdict.rating == 0:
        others = [one for one in classes.get(row.model, ()) if one != row.label]
        if len(others) != 1:
            said = (
                f"{row.place} isn't of one class of two, so that it is wrong doesn't say what is right: give `labels`"
            )
            raise Failure("malformed", said, [FieldFault("ratings", said)])
        label = others[0]
    return Feedback(str(uuid.uuid4()), label, row.place, None, reviewer, "batch")


def confirmed(row: BatchRow, namespace: str, reviewer: str | None) -> Feedback:
    """The statement that a row nobody has reviewed is right; the same reviewer makes it once."""
    name = f"relearn:{namespace}:confirm:{reviewer or ''}:{row.place}"
    return Feedback(str(uuid.uuid5(uuid.NAMESPACE_URL, name)), row.label, row.place, None, reviewer, "batch")
