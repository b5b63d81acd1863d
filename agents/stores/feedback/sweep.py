"""The sweep of `waiting_feedback`: what has its prediction by now becomes a correction, what waits too long expires."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from relearn.agents.stores.feedback.corrections import Taken, take_statements
from relearn.agents.stores.feedback.waiting import BEGIN, Cursor, Kept, drop_settled, look
from relearn.agents.stores.postgres import Pool, translated
from relearn.schemas.messages.feedback import Feedback, decode_feedback_messages
from relearn.schemas.messages.records import Fault

_LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended(current_schema() || ' sweep', 0))"


class Expired(NamedTuple):
    """A message that has become no correction and never will, and why. Its row stays until it is forgotten."""

    message: Kept
    fault: Fault


class Swept(NamedTuple):
    """What a sweep came to. The next one is to be given `after`. `taken.waiting`: looked at, and waits on."""

    taken: Taken
    expired: Sequence[Expired]
    after: Cursor


async def sweep_waiting(pool: Pool, *, topic: str, wait_s: float, after: Cursor = BEGIN) -> Swept:
    """Move what has its prediction by now to `corrections`, in Kafka's order; tell what has waited for too long.

    Bounded: see `waiting.look`. One at a time per namespace: while another sweep is at work, this one
    does nothing. Whatever is there is found before it may expire. The clock is Postgres'.

    Args:
        topic: the full name of the feedback topic, for dead letters.
        wait_s: how long a statement waits before it expires.
        after: where the sweep before this one left off.

    Raises:
        PostgresUnavailable: nothing was moved, or it was and the answer was lost; sweeping again is safe.
    """
    with translated():
        async with pool.acquire() as connection, connection.transaction():
            if not await connection.fetchval(_LOCK):
                return Swept(Taken(), (), after)
            kept, reached = await look(connection, topic, after)
            if not kept:
                return Swept(Taken(), (), reached)
            read = [(one, *decode_feedback_messages([one], one.generation)) for one in kept]
            taken = await take_statements(connection, [one for _, found, _ in read for one in found], put=False)
            settled = await drop_settled(connection, [one.feedback for one in kept])
    refused = {refusal.statement.feedback.id: refusal.fault for refusal in taken.refused}
    expired = []
    for one, found, unreadable in read:
        if one.feedback in settled:
            continue
        fault = unreadable[0].fault if unreadable else refused.get(one.feedback)
        if fault is None and one.waited_s >= wait_s:
            fault = Fault(0, "unknown", _unknown(found[0].feedback, one.waited_s))
        if fault is not None:
            expired.append(Expired(one, fault))
    waiting = len(kept) - len(settled) - len(expired)
    return Swept(replace(taken, duplicates=len(settled) - taken.rows, waiting=waiting, refused=()), expired, reached)


def _unknown(said: Feedback, waited_s: float) -> str:
    named = f"prediction {said.prediction}" if said.prediction else f"prediction of a record {said.record!r}"
    return f"there is no {named}; waited {waited_s:.1f} s for it"
