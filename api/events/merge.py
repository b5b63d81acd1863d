"""Events that are sent together, made few: all batches become one, and so do all resets. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from relearn.agents.stores.live.batch_events import merged
from relearn.agents.stores.live.events import Entry
from relearn.schemas.http.events import EVENTS, BatchEvent, EventType

_batch = msgspec.json.Decoder(BatchEvent)
_encode = msgspec.json.Encoder().encode


def coalesced(entries: Iterable[Entry], counts: tuple[int, int] | None) -> list[Entry]:
    """The same news in the same order, in fewer events; what isn't ours is left out.

    All batches come as one in the place of the first and under its id, so that whoever goes on after any id has missed
    nothing: numbers that are newer than their place do no harm. `counts`: records and dead letters in all, if known.
    """
    known = [one for one in entries if one.type in EVENTS and "\n" not in one.data and "\r" not in one.data]
    batches = [(one, read) for one in known if one.type == "batch" and (read := _read(one)) is not None]
    resets = [one for one in known if one.type == "reset"][-1:]
    found = [one for one in known if one.type not in {"batch", "reset"}] + resets
    if batches:
        event = msgspec.structs.replace(
            merged(read for _, read in batches),
            records=None if counts is None else counts[0],
            dead_letters=None if counts is None else counts[1],
        )
        found.append(batches[0][0]._replace(data=_encode(event).decode()))
    places = {one.id: place for place, one in enumerate(known)}
    return sorted(found, key=lambda one: places[one.id])


def written(entries: Sequence[Entry], types: frozenset[EventType]) -> bytes:
    """Those of the types, and every `reset`, as they travel."""
    wanted = (one for one in entries if one.type in types or one.type == "reset")
    return "".join(f"id: {one.id}\nevent: {one.type}\ndata: {one.data}\n\n" for one in wanted).encode()


def _read(entry: Entry) -> BatchEvent | None:
    try:
        return _batch.decode(entry.data)
    except msgspec.DecodeError:
        return None
