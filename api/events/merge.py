"""Merges events that are sent together: all batches become one, and so do all resets. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from relearn.agents.stores.live.event_content import merge_batch_events
from relearn.agents.stores.live.events import Entry
from relearn.schemas.http.events import EVENTS, BatchEvent, EventType

_batch = msgspec.json.Decoder(BatchEvent)
_encode = msgspec.json.Encoder().encode


def merge_events(entries: Iterable[Entry], counts: tuple[int, int] | None) -> list[Entry]:
    """The entries in order, with all batches merged into one and only the last reset. Unknown entries are left out.

    The merged batch has the place and id of the first, so that a client that resumes after any id misses nothing:
    counts newer than their id do no harm. `counts`: total records and dead letters, if known.
    """
    known = [one for one in entries if one.type in EVENTS and "\n" not in one.data and "\r" not in one.data]
    batches = [(one, read) for one in known if one.type == "batch" and (read := _read(one)) is not None]
    resets = [one for one in known if one.type == "reset"][-1:]
    found = [one for one in known if one.type not in {"batch", "reset"}] + resets
    if batches:
        event = msgspec.structs.replace(
            merge_batch_events(read for _, read in batches),
            records=None if counts is None else counts[0],
            dead_letters=None if counts is None else counts[1],
        )
        found.append(batches[0][0]._replace(data=_encode(event).decode()))
    places = {one.id: place for place, one in enumerate(known)}
    return sorted(found, key=lambda one: places[one.id])


def encode_events(entries: Sequence[Entry], types: frozenset[EventType]) -> bytes:
    """The entries of these types, and every `reset`, as server-sent events."""
    wanted = (one for one in entries if one.type in types or one.type == "reset")
    return "".join(f"id: {one.id}\nevent: {one.type}\ndata: {one.data}\n\n" for one in wanted).encode()


def _read(entry: Entry) -> BatchEvent | None:
    try:
        return _batch.decode(entry.data)
    except msgspec.DecodeError:
        return None
