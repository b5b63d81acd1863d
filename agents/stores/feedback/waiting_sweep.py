"""The sweep of `waiting_feedback`: feedback whose prediction is stored becomes a correction, old feedback expires."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from relearn.agents.availability.clock_jumps import ClockJumps
from relearn.agents.stores.feedback.corrections import Taken, take_statements
from relearn.agents.stores.feedback.waiting_rows import BEGIN, Cursor, Kept, drop_settled, follow_clock, look
from relearn.agents.stores.postgres import Pool, postgres_errors
from relearn.schemas.messages.feedback import Feedback, decode_feedback_messages
from relearn.schemas.messages.records import Fault

_LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended(current_schema() || ' sweep', 0))"


class Expired(NamedTuple):
    """A message that becomes no correction, and why. Its row is kept until `forget_waiting` deletes it."""

    message: Kept
    fault: Fault


class Swept(NamedTuple):
    """The result of a sweep. `after`: where the next sweep begins. `taken.waiting`: rows read that still wait."""

    taken: Taken
    expired: Sequence[Expired]
    after: Cursor


async def sweep_waiting(
    pool: Pool, *, topic: str, wait_s: float, after: Cursor = BEGIN, jumps: ClockJumps | None = None
) -> Swept:
    """Move feedback with a stored prediction to `corrections`, by arrival; return feedback that waited too long.

    Bounded: see `waiting.look`. One sweep per namespace at a time: while another one runs, this one does nothing.
    Predictions are looked up before feedback expires. The clock is Postgres'.

    Args:
        topic: the full name of the feedback topic, for dead letters.
        wait_s: how long feedback waits before it expires.
        after: where the previous sweep ended.
        jumps: the caller's readings of Postgres' clock, whose jumps then neither expire feedback nor keep it.

    Raises:
        PostgresUnavailable: Retryable; nothing was moved, or all was and the answer was lost.
    """
    with postgres_errors():
        async with pool.acquire() as connection, connection.transaction():
            if not await connection.fetchval(_LOCK):
                return Swept(Taken(), (), after)
            if jumps is not None:
                await follow_clock(connection, jumps)
            kept, reached = await look(connection, topic, after)
            if not kept:
                return Swept(Taken(), (), reached)
            read = [(one, *decode_feedback_messages([one], one.generation)) for one in kept]
            taken = await take_statements(connection, [one for _, found, _ in read for one in found], put=False)
            rows = {id(message) for message in taken.settled}
            settled = [one for one in kept if id(one) in rows]
            await drop_settled(connection, settled)
    refused = {id(refusal.statement.message): refusal.fault for refusal in taken.refused}
    expired = []
    for one, found, unreadable in read:
        if id(one) in rows:
            continue
        fault = unreadable[0].fault if unreadable else refused.get(id(one))
        if fault is None and one.waited_s >= wait_s:
            fault = Fault(0, "unknown", _unknown(found[0].feedback, one.waited_s))
        if fault is not None:
            expired.append(Expired(one, fault))
    waiting = len(kept) - len(settled) - len(expired)
    return Swept(replace(taken, duplicates=len(settled) - taken.rows, waiting=waiting, refused=()), expired, reached)


def _unknown(said: Feedback, waited_s: float) -> str:
    named = f"prediction {said.prediction}" if said.prediction else f"prediction of a record {said.record!r}"
    return f"there is no {named}; waited {waited_s:.1f} s for it"
