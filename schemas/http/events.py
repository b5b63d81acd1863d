"""Live events: what happens, told as it happens, as Server-Sent Events."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from relearn.schemas.http.operation import Count, Operation, PlaceText, Time, Version
from relearn.schemas.messages.feedback import Via

EventType = Literal["batch", "correction", "job", "model", "worker", "reset"]

_ASKED = "batch|correction|job|model|worker"
Types = Annotated[
    str,
    Meta(
        pattern=rf"^({_ASKED})(,({_ASKED}))*$",
        max_length=256,
        description="Only these, comma-separated. `reset` always comes.",
        examples=["batch,job"],
    ),
]
LastEventId = Annotated[
    str, Meta(max_length=64, description="As the header `Last-Event-ID`, for clients that can't set one.")
]
Facts = Annotated[dict[str, Any], Meta(description="Its trigger and facts; of one above 4 kB only the trigger.")]


class EventsQuery(Struct, frozen=True):
    """Which events, and from where on."""

    types: Types | None = None
    last_event_id: LastEventId | None = None


class EventBatch(Struct, frozen=True):
    """A batch as it stands after a commit."""

    batch: str
    records: Count
    first_at: Time
    last_at: Time


class BatchEvent(Struct, frozen=True):
    """Something was stored. Absolute numbers that only rise: each event replaces what those before it said."""

    batches: Annotated[list[EventBatch], Meta(description="Those that have changed, the latest first; 50 at most.")]
    more: Annotated[int, Meta(ge=0, description="So many others have changed too.")] = 0
    records: Annotated[
        int | None, Meta(description="All that was ever stored; null while that is being counted again.")
    ] = None
    dead_letters: Annotated[int | None, Meta(description="All that there ever were; null as with `records`.")] = None


class CorrectionEvent(Struct, frozen=True):
    """Somebody said something of a prediction, and it was recorded."""

    prediction: PlaceText
    feedback: Annotated[str, Meta(description="The id of what was said.")]
    label: Annotated[str | None, Meta(description="Null takes back what this reviewer said.")]
    predicted: str
    corrects: Annotated[bool, Meta(description="Whether it says another label than the prediction.")]
    reviewer: str | None
    via: Via
    more: Annotated[
        int, Meta(ge=0, description="So many others were recorded at once; where that is above 99, only the last.")
    ] = 0


class EventGate(Struct, frozen=True):
    """How the gate judged a job's model."""

    outcome: str
    path: str
    why: str


class JobEvent(Struct, frozen=True):
    """A job is in another state than before. Its figures: `GET /v1/jobs/{id}`."""

    id: str
    command: str
    state: str
    reason: Facts
    requested: int | None
    by: str | None
    version: int | None
    champion: int | None
    gate: EventGate | None
    queued_at: Time
    started_at: Time | None
    ended_at: Time | None
    error: str | None


class ModelEvent(Struct, frozen=True):
    """A model was activated: as the champion, as the shadow, or (`none`) the shadow's time is over."""

    activation: Annotated[int, Meta(ge=1, description="Only rises.")]
    role: Literal["champion", "shadow", "none"]
    version: Version | None
    job: str
    by: str | None
    reason: Facts
    at: Time


class WorkerEvent(Struct, frozen=True):
    """A worker's heartbeat, where it is new or its model, partitions or condition has changed."""

    id: str
    role: str
    model: int | None
    activation: int | None
    shadow: int | None
    partitions: list[str]
    lag: int | None
    rate: float
    condition: str
    seen_at: Time


class ResetEvent(Struct, frozen=True):
    """Something may have been missed: read everything anew. What comes after this is whole again."""

    why: Annotated[str, Meta(description="For people.")]


class Events(Struct, frozen=True):
    """The data of each event by its type: what stands after `data:`, one line of JSON."""

    batch: BatchEvent
    correction: CorrectionEvent
    job: JobEvent
    model: ModelEvent
    worker: WorkerEvent
    reset: ResetEvent


EventData = BatchEvent | CorrectionEvent | JobEvent | ModelEvent | WorkerEvent | ResetEvent
EVENTS: dict[EventType, type[EventData]] = {
    "batch": BatchEvent,
    "correction": CorrectionEvent,
    "job": JobEvent,
    "model": ModelEvent,
    "worker": WorkerEvent,
    "reset": ResetEvent,
}

_DESCRIPTION = """
`text/event-stream`: each event has an `id`, its type as `event`, and as `data` one line of JSON (`Events` has the type
of each). It comes after the database has committed. Delivery is at least once: after a crash or a reconnect some events
may come again; each says how things stand, so that this does no harm.

* `batch`: after a commit of stored records or dead letters; merged, so that at most ten a second come.
* `correction`: after feedback was recorded.
* `job`: each state that a job is found in, three times a second. `model`: each activation.
* `worker`: a new worker, or one whose model, partitions or condition has changed. One that ended says nothing.
* `reset`: read everything anew. At first, where the given id is older than what is kept or isn't known here; later,
  where events were lost because Redis was away, and when a worker starts: the one before it may have died silently.

About 10,000 events are kept, in Redis. `Last-Event-ID`, or `last_event_id` where there is no such header, goes on after
that event. An `id` without data moves the place to go on from. After 15 seconds without an event there is a comment.
Whoever falls behind by 256 kB is disconnected. `retry` says after how many milliseconds to come again.
"""

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "stream_events",
        "GET",
        "/v1/events",
        "Events",
        "What happens, as it happens, as Server-Sent Events.",
        description=_DESCRIPTION.strip(),
        query=EventsQuery,
        answer=Events,
        media=("text/event-stream",),
        fails=("unavailable",),
    ),
)
