"""Dead letters, their originals, and redriving them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from msgspec import Raw, Struct

from relearn.agents.dead_letters.redrive import redrive as send_again
from relearn.agents.dead_letters.redrive import sendable
from relearn.agents.dead_letters.redriven_message import place_of
from relearn.agents.dead_letters.render import as_short_json
from relearn.agents.stores.dead_letters import DeadLetterRow, open_ids, original_of
from relearn.agents.stores.dead_letters import Original as Stored
from relearn.agents.stores.dead_letters import get_dead_letter as read_dead_letter
from relearn.agents.stores.dead_letters import list_dead_letters as read_dead_letters
from relearn.api.http.call import Call, Handlers
from relearn.api.http.cursors import Cursors, Int64, split_page
from relearn.api.http.problems import ProblemError
from relearn.api.writes.outbox import SEND_TIMEOUT_S
from relearn.schemas.http.dead_letters import (
    READABLE_BYTES,
    REDRIVE_AT_MOST,
    SHOWN_BYTES,
    CutOriginal,
    DeadLetter,
    DeadLetterDetail,
    DeadLetterPath,
    DeadLettersQuery,
    MessageBytes,
    MessageHeader,
    NotRedriven,
    OriginalMessage,
    RedriveBody,
    RedriveResult,
)
from relearn.schemas.http.operation import Page
from relearn.schemas.messages.dead_letters import Cut


class _Key(Struct, frozen=True):
    id: Int64


_cursors = Cursors("dead_letters", _Key)


async def list_dead_letters(call: Call[None, DeadLettersQuery, None]) -> Page[DeadLetter]:
    """A page of dead letters, newest first."""
    pool, query = call.context.pool, call.query

    async def fetch(after: _Key | None, limit: int) -> Sequence[DeadLetterRow]:
        before_id = None if after is None else after.id
        return await read_dead_letters(pool, limit=limit, before_id=before_id, reason=query.reason, is_open=query.open)

    rows, following = await _cursors.page(query, fetch, lambda row: _Key(row.id))
    return Page([DeadLetter(**_facts(row)) for row in rows], following)


async def get_dead_letter(call: Call[DeadLetterPath, None, None]) -> DeadLetterDetail:
    """One dead letter, with its original as far as it can be shown."""
    row = await _find(call)
    stored = await original_of(call.context.pool, row) or Stored(None, None, [])
    record = None
    if stored.value is not None and len(stored.value) <= READABLE_BYTES:
        record = await asyncio.to_thread(as_short_json, stored.value, row.index, row.reason, limit_bytes=SHOWN_BYTES)
    headers = [MessageHeader(name, text) for name, text in stored.headers]
    shown = None if record is None else Raw(record)
    cut = stored.cut
    original = OriginalMessage(
        _content(stored.key, None if cut is None else cut.key_bytes),
        _content(stored.value, None if cut is None else cut.value_bytes),
        headers,
        shown,
        None if cut is None else _cut(cut),
    )
    return DeadLetterDetail(**_facts(row), original=original)


async def redrive_dead_letter(call: Call[DeadLetterPath, None, None]) -> RedriveResult:
    """Redrive one dead letter."""
    row = sendable(await _find(call), call.path.id)
    found = await _send(call, [row.id])
    if found.refused:
        raise ProblemError("conflict", f"dead letter {row.id} can't be sent again: {found.refused[0].detail}")
    if not found.acknowledged:
        raise ProblemError("conflict", f"dead letter {row.id} is being redriven by another request")
    return found


async def redrive_dead_letters(call: Call[None, None, RedriveBody]) -> RedriveResult:
    """Redrive open dead letters, at most REDRIVE_AT_MOST per request."""
    reason, after = call.body.reason, call.body.after or 0
    ids = await open_ids(call.context.pool, reason=reason, after_id=after, limit=REDRIVE_AT_MOST + 1)
    some, last = split_page(ids, REDRIVE_AT_MOST)
    return await _send(call, list(some), last)


async def _find(call: Call[DeadLetterPath, Any, Any]) -> DeadLetterRow:
    row = await read_dead_letter(call.context.pool, call.path.id)
    if row is None:
        raise ProblemError("not-found", f"There is no dead letter {call.path.id}.")
    return row


async def _send(call: Call[Any, Any, Any], ids: list[int], following: int | None = None) -> RedriveResult:
    context = call.context
    done = await send_again(
        context.settings, context.pool, context.producer, context.limits, ids, timeout_s=SEND_TIMEOUT_S
    )
    return RedriveResult(done.acknowledged, [NotRedriven(*one) for one in done.refused], following)


def _facts(row: DeadLetterRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "agent": row.agent,
        "topic": row.topic,
        "place": str(place_of(row)),
        "reason": row.reason,
        "error": row.error,
        "at": row.at.isoformat(),
        "redriven_at": row.redriven_at.isoformat() if row.redriven_at else None,
    }


def _content(value: bytes | None, whole_bytes: int | None) -> MessageBytes | None:
    """A value or key. `whole_bytes`: its size in the original, where the letter may hold a part of it."""
    if value is None:
        return None
    size = len(value) if whole_bytes is None else whole_bytes
    return MessageBytes(size, value[:SHOWN_BYTES], size > min(len(value), SHOWN_BYTES))


def _cut(cut: Cut) -> CutOriginal:
    return CutOriginal(
        cut.value_bytes, None if cut.value_sha256 is None else cut.value_sha256.hex(), cut.key_bytes, cut.headers
    )


HANDLERS: Handlers = {
    "list_dead_letters": list_dead_letters,
    "get_dead_letter": get_dead_letter,
    "redrive_dead_letter": redrive_dead_letter,
    "redrive_dead_letters": redrive_dead_letters,
}
