"""Records for the stream: checked, packed, acknowledged by the broker, answered with their prediction ids."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from relearn.agents.kafka.producer import OutgoingMessage, Receipt
from relearn.agents.models.reading import reading_of
from relearn.agents.stores.training.examples import read_schema
from relearn.api.http.call import Call, Handlers
from relearn.api.http.context import Context
from relearn.api.http.json_rows import values, values_without_schema
from relearn.api.http.problems import RETRY, ProblemError, incomplete_write, invalid_fields, text_faults
from relearn.api.http.request import BODY, LEASE
from relearn.api.writes.outbox import SEND_TIMEOUT_S, Outcome
from relearn.api.writes.packing import MESSAGE_MAX_BYTES, Columns, Packed, pack
from relearn.schemas.errors import KafkaUnavailable, RelearnError
from relearn.schemas.features import FeatureSchema
from relearn.schemas.http.ingest import AcceptedBatch, BatchBody
from relearn.schemas.http.problems import FieldFault
from relearn.schemas.identity import Place
from relearn.schemas.messages.forms.versions import Versions
from relearn.schemas.messages.predictions import least_block_bytes
from relearn.schemas.text import MAX_CONTEXT_BYTES, text_fault
from relearn.schemas.topics import topic_name


async def create_batch(call: Call[None, None, BatchBody]) -> AcceptedBatch:
    """Send all records, or raise a problem with the ids of those that were written."""
    context, body = call.context, call.body
    batch = body.batch or str(call.write_id or uuid.uuid4())
    known = await _known_features(context)
    served = context.live.current
    versions = None if served is None else reading_of(context.live, served).versions
    packed, width = await call.request[LEASE].run(lambda: _packed(body, batch, known, versions))
    until_s = asyncio.get_running_loop().time() + SEND_TIMEOUT_S
    # A record whose prediction can't be stored would be accepted here and become a dead letter.
    predictions = topic_name(context.settings.namespace, "predictions")
    await context.limits.check(predictions, least_block_bytes(width), "the prediction of one record")
    # Read before sending: ids must be known even if Kafka goes away right after.
    generation = await context.generation.current(until_s)
    keys = await _write_keys(call, len(packed))
    outgoing = [OutgoingMessage(one.value, one.kind, write_key=key) for one, key in zip(packed, keys, strict=True)]
    topic = topic_name(context.settings.namespace, "ingest")
    sent = await context.outbox.send(topic, outgoing, client=call.caller.client, until_s=until_s)
    outcomes = [_placed(one) for one in sent]
    if any(isinstance(one, Receipt) for one in outcomes):
        generation = await _confirmed(context, generation, until_s)
    taken = list(_ids(packed, outcomes, generation))
    faults = [one for one in outcomes if isinstance(one, RelearnError)]
    if faults:
        raise incomplete_write(faults[0], taken)
    return AcceptedBatch(batch, [one for one in taken if one is not None])


async def _write_keys(call: Call[None, None, BatchBody], messages: int) -> list[str | None]:
    """The key of each of the request's messages: equal where an equal body is sent again under its idempotency key."""
    write_id, body = call.write_id, call.request[BODY]
    if write_id is None:
        return [None] * messages
    digest = await call.request[LEASE].run(lambda: hashlib.sha256(body).hexdigest())
    return [str(uuid.uuid5(write_id, f"{number}:{digest}")) for number in range(messages)]


async def _known_features(context: Context) -> FeatureSchema | None:
    """The features of the live model, else of the first training set, else None."""
    served = context.live.current
    return await read_schema(context.pool) if served is None else served.model.schema


def _packed(
    body: BatchBody, batch: str, known: FeatureSchema | None, versions: Versions | None
) -> tuple[list[Packed], int]:
    """The messages, and the number of features. The features are `known`, else those of the first record.

    Where features were changed, records are sent in the version that they are of, if they are of one: a worker that
    doesn't know the newest yet reads them as well.

    Raises:
        ProblemError: names the texts or records at fault.
    """
    _check_texts(body)
    rows = body.features
    if versions is not None:
        version = versions.of_records(rows)
        known = version.schema
        rows = rows if version is not versions.newest else [versions.as_newest(row) for row in rows]
    given, names = values_without_schema(rows) if known is None else (values(rows, known), None)
    alone = all(type(value) is float for row in given for value in row) if known is None else known.plain
    features = np.array(given, dtype=np.float64) if alone else given
    packed = pack(Columns(features, names, batch, body.ids, body.subjects, body.contexts))
    _check_sizes(packed)
    return packed, len(given[0])


async def _confirmed(context: Context, generation: int, until_s: float) -> int:
    """The generation of what was written, after `generation` was read."""
    try:
        return await context.generation.confirmed(generation, until_s)
    except RelearnError as exc:
        detail = f"{exc}: the topic was recreated, so the ids of the written records are unknown"
        raise ProblemError("unavailable", detail, headers=RETRY) from exc


def _check_texts(body: BatchBody) -> None:
    limits = {"subjects": 256, "ids": 256, "contexts": MAX_CONTEXT_BYTES}
    n = len(body.features)
    faults = [FieldFault("batch", fault)] if (fault := text_fault(body.batch)) else []
    for name, limit_bytes in limits.items():
        column = getattr(body, name)
        if column is not None and len(column) != n:
            faults.append(FieldFault(name, f"{len(column)} entries; there are {n} records"))
        faults += text_faults(name, column or (), limit_bytes)
    if faults:
        raise invalid_fields(faults)


def _check_sizes(packed: Iterable[Packed]) -> None:
    largest = max(packed, key=lambda one: len(one.value))
    if len(largest.value) > MESSAGE_MAX_BYTES:
        size = f"{len(largest.value):,} bytes; the maximum is {MESSAGE_MAX_BYTES:,}"
        raise ProblemError(
            "too-large", f"A record, or {largest.records} of them with their features' names, takes {size}."
        )


def _placed(outcome: Outcome) -> Outcome:
    """An acknowledgement without offset gives no ids: it counts as an error, though the message is stored."""
    if isinstance(outcome, Receipt) and outcome.offset is None:
        return KafkaUnavailable("Kafka acknowledged a message without its offset")
    return outcome


def _ids(packed: Sequence[Packed], outcomes: Sequence[Outcome], generation: int) -> Iterator[str | None]:
    """The id of each record in order; None if its message isn't acknowledged."""
    for message, outcome in zip(packed, outcomes, strict=True):
        if isinstance(outcome, RelearnError):
            yield from [None] * message.records
        else:
            assert outcome.offset is not None
            first = str(Place(generation, outcome.partition, outcome.offset, 0))
            yield from (f"{first[:-1]}{index}" for index in range(message.records))


HANDLERS: Handlers = {"create_batch": create_batch}
