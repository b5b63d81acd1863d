"""Live events as Server-Sent Events."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from relearn.schemas.http.operation import Count, Operation, PlaceText, Time, Version, described_by
from relearn.schemas.http.training_metrics import Reason
from relearn.schemas.http.workers import WorkerNotice
from relearn.schemas.messages.feedback import Via

EventType = Literal["batch", "correction", "job", "model", "worker", "reset"]

_ASKED = "batch|correction|job|model|worker"
Types = Annotated[
    str,
    Meta(
        pattern=rf"^({_ASKED})(,({_ASKED}))*$",
        max_length=256,
        description="Event types to send, comma-separated. `reset` is always sent.",
        examples=["batch,job"],
    ),
]
LastEventId = Annotated[
    str, Meta(max_length=64, description="The same as the header `Last-Event-ID`, for clients that can't set headers.")
]
Facts = Annotated[
    dict[str, Any], Meta(description="The trigger and its facts; above 4 kB only the trigger."), described_by(Reason)
]


class EventsQuery(Struct, frozen=True):
    """Event types, and the position to continue from."""

    types: Types | None = None
    last_event_id: LastEventId | None = None


class EventBatch(Struct, frozen=True):
    """A batch after a commit."""

    batch: str
    records: Count
    first_at: Time
    last_at: Time


class BatchEvent(Struct, frozen=True):
    """Records or dead letters were stored. Absolute numbers that only rise: each event replaces the previous ones."""

    batches: Annotated[list[EventBatch], Meta(description="Changed batches, the latest first; at most 50.")]
    more: Annotated[int, Meta(ge=0, description="Number of other changed batches.")] = 0
    records: Annotated[int | None, Meta(description="Records stored in total; null while the total is recounted.")] = (
        None
    )
    dead_letters: Annotated[
        int | None, Meta(description="Dead letters in total; null while the total is recounted.")
    ] = None


class CorrectionEvent(Struct, frozen=True):
    """A review of a prediction was recorded."""

    prediction: PlaceText
    feedback: Annotated[str, Meta(description="The id of the feedback.")]
    label: Annotated[str | None, Meta(description="Null withdraws the reviewer's review.")]
    predicted: str
    corrects: Annotated[bool, Meta(description="Whether the label differs from the predicted one.")]
    reviewer: str | None
    via: Via
    more: Annotated[
        int, Meta(ge=0, description="Number of others recorded at once; above 99, only the last one is sent.")
    ] = 0


class EventGate(Struct, frozen=True):
    """The gate's verdict on a job's model."""

    outcome: str
    path: str
    why: str


class JobEvent(Struct, frozen=True):
    """A job changed its state. Its metrics: `GET /v1/jobs/{id}`."""

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
    """A model was activated as the champion or as the shadow, or (`none`) the shadow was deactivated."""

    activation: Annotated[int, Meta(ge=1, description="Only rises.")]
    role: Literal["champion", "shadow", "none"]
    version: Version | None
    job: str
    by: str | None
    reason: Facts
    at: Time


class WorkerEvent(Struct, frozen=True):
    """A heartbeat of a new worker, or of a worker whose model, partitions, condition or notices changed."""

    id: str
    role: str
    model: int | None
    activation: int | None
    shadow: int | None
    partitions: list[str]
    lag: int | None
    rate: float
    skipped: Count
    unseen: Count
    ignored: Count
    schema: int | None
    condition: str
    seen_at: Time
    notices: list[WorkerNotice]


class ResetEvent(Struct, frozen=True):
    """Events may have been missed: reload all data. The events after this one are complete."""

    why: Annotated[str, Meta(description="For display.")]


class Events(Struct, frozen=True):
    """The data of each event by its type: the line of JSON after `data:`."""

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
`text/event-stream`: each event has an `id`, its type as `event`, and one line of JSON as `data` (`Events` has the type
of each). Events are sent after the database has committed. Delivery is at least once: after a crash or a reconnect some
events may be repeated; each holds absolute values, so that a repeated event changes nothing.

* `batch`: after a commit of stored records or dead letters; merged, at most ten per second.
* `correction`: after feedback was recorded.
* `job`: each state in which a job is found, checked three times a second. `model`: each activation.
* `worker`: a new worker, or one whose model, partitions or condition changed. A worker that ends sends no event.
* `reset`: reload all data. Sent first where the given id is older than the kept events or isn't known; later, where
  events were lost because Redis was unavailable, and when a worker starts, since its predecessor may have crashed.

About 10,000 events are kept, in Redis. `Last-Event-ID`, or `last_event_id` without that header, continues after that
event. An `id` without data moves the position to continue from. After 15 seconds without an event a comment is sent.
A client that falls behind by 256 kB is disconnected. `retry` gives the delay before reconnecting, in milliseconds.
"""

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "stream_events",
        "GET",
        "/v1/events",
        "Events",
        "Live events as Server-Sent Events.",
        description=_DESCRIPTION.strip(),
        query=EventsQuery,
        answer=Events,
        media=("text/event-stream",),
        fails=("unavailable",),
    ),
)
