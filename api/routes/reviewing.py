"""What became of feedback, and what each reviewer says."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from relearn.api.http.call import Call, Handlers
from relearn.api.http.cursors import Cursors, TimeUs, microseconds, moment, page_of
from relearn.api.http.problems import Failure
from relearn.api.queries.index_only import along
from relearn.api.queries.reviewing import Spoke, agreement, dead, read_reviewers, waiting
from relearn.api.queries.reviews import Said, last_words, said_by_id, superseded_by
from relearn.schemas.http.operation import Page, PageQuery
from relearn.schemas.http.reviewing import DeadFeedback, FeedbackPath, RecordedFeedback, Reviewer, WaitingFeedback
from relearn.schemas.messages.feedback import decode_feedback


class LastSpoke(Struct, frozen=True, array_like=True):
    """Where a reviewer stands among all, who spoke last first."""

    last_us: TimeUs
    reviewer: Annotated[str, Meta(max_length=256, pattern=r"^[^\x00]*$")]


REVIEWERS = Cursors("reviewers", LastSpoke)


async def outcome(call: Call[FeedbackPath, None, None]) -> RecordedFeedback | WaitingFeedback | DeadFeedback:
    """Where it is now; looked for in all places at one moment, since it moves."""
    feedback = call.path.id
    async with along(call.context.pool) as connection:
        said = await said_by_id(connection, feedback)
        if said is not None:
            words = await last_words(connection, [said.statement.place])
            return _recorded(said, superseded_by(said, words))
        row = await waiting(connection, feedback)
        if row is not None:
            return _waiting(feedback, row)
        row = await dead(connection, feedback)
    if row is None:
        raise Failure("not-found", "There is no such feedback: none was sent with this id, or it isn't read yet.")
    redriven_at = row["redriven_at"] and row["redriven_at"].isoformat()
    return DeadFeedback(feedback, row["id"], row["reason"], row["error"], row["at"].isoformat(), redriven_at)


async def reviewers(call: Call[None, PageQuery, None]) -> Page[Reviewer]:
    """A page of them."""
    query = call.query
    key = REVIEWERS.read(query)
    after = None if key is None else Spoke(moment(key.last_us), key.reviewer)
    async with along(call.context.pool) as connection:
        rows, last = page_of(await read_reviewers(connection, after, query.limit + 1), query.limit)
        agreed = await agreement(connection, [row["reviewer"] for row in rows])
    following = None
    if last is not None:
        following = REVIEWERS.write(LastSpoke(microseconds(last["last_at"]), last["reviewer"]), query)
    return Page([_reviewer(row, *agreed.get(row["reviewer"], (0, 0))) for row in rows], following)


def _recorded(said: Said, instead: Said | None) -> RecordedFeedback:
    one = said.statement
    return RecordedFeedback(
        said.feedback,
        str(one.place),
        one.predicted,
        one.label,
        one.reviewer,
        one.via,
        said.comment,
        said.record,
        said.sent.at.isoformat(),
        said.stored_at.isoformat(),
        None if instead is None else instead.feedback,
    )


def _waiting(feedback: str, row: Any) -> WaitingFeedback:
    said = decode_feedback(row["value"])
    named = None if said.prediction is None else str(said.prediction), said.record
    times = row["sent_at"].isoformat(), row["since"].isoformat()
    return WaitingFeedback(feedback, *named, said.label, said.reviewer, said.via, *times)


def _reviewer(row: Any, compared: int, agreed: int) -> Reviewer:
    counts = row["corrections"], row["confirmations"], row["withdrawals"]
    times = row["first_at"].isoformat(), row["last_at"].isoformat()
    share = agreed / compared if compared else None
    return Reviewer(row["reviewer"] or None, sum(counts), *counts, *times, compared, agreed, share)


HANDLERS: Handlers = {"get_feedback": outcome, "list_reviewers": reviewers}
