"""The codecs of the schemas that messages name, fetched when they are first met and kept by id, in bounds.

An id's schema never changes, so a codec is kept until others have been used since. A schema that can't be used is
asked for again after a while: it may be registered after the message that names it was read.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Protocol

import structlog

from relearn.agents.availability.progress import progressed
from relearn.agents.availability.retry import Retry
from relearn.agents.foreign.protoc import MAIN, compile_proto
from relearn.agents.foreign.registry import FoundSchema
from relearn.schemas.errors import BadMessage
from relearn.schemas.foreign.avro import AvroCodec
from relearn.schemas.foreign.frame import Codec
from relearn.schemas.foreign.json_object import JsonCodec
from relearn.schemas.foreign.protobuf import ProtobufCodec

log = structlog.get_logger()

#: Codecs, and faults of schemas, that are kept. More than the messages name that are decoded together.
CODECS_MAX, FAULTS_MAX = 256, 4096
FAULT_KEPT_S = 10.0
_ID_MAX = 2**31 - 1


class Fetches(Protocol):
    """The registry, as `agents.foreign.registry.Registry`. Blocking."""

    def fetch(self, schema_id: int) -> FoundSchema: ...


class Codecs:
    """The codecs of one worker. `clock` is monotonic."""

    def __init__(
        self, open_registry: Callable[[], Fetches], retry: Retry, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._open = open_registry
        self._registry: Fetches | None = None
        self._retry = retry
        self._clock = clock
        self._codecs: OrderedDict[int, Codec] = OrderedDict()
        self._faults: OrderedDict[int, tuple[float, BadMessage]] = OrderedDict()

    async def prepare(self, schema_ids: Iterable[int]) -> None:
        """Have the codec, or the fault, of each of these schemas, of which there are fewer than are kept.

        Waits while the registry is away.

        Raises:
            Stopping: the worker is asked to stop meanwhile.
        """
        for schema_id in schema_ids:
            if schema_id in self._codecs:
                self._codecs.move_to_end(schema_id)
            elif not self._has_fault(schema_id):
                await self._load(schema_id)
                progressed()

    def of(self, schema_id: int) -> Codec:
        """The codec of a schema that is prepared.

        Raises:
            BadMessage: with reason `schema`: it can't be used.
        """
        codec = self._codecs.get(schema_id)
        if codec is None:
            fault = self._faults[schema_id][1]
            raise BadMessage(fault.reason, f"schema {schema_id}: {fault.detail}")
        return codec

    def _has_fault(self, schema_id: int) -> bool:
        found = self._faults.get(schema_id)
        return found is not None and self._clock() < found[0]

    async def _load(self, schema_id: int) -> None:
        """Fetch and compile one schema in a thread: the event loop goes on meanwhile."""
        self._faults.pop(schema_id, None)
        try:
            codec = await self._retry.until_available(
                lambda: asyncio.to_thread(self._fetched, schema_id), "the schema registry"
            )
        except BadMessage as exc:
            log.warning("schema_unusable", schema=schema_id, error=exc.detail)
            self._faults[schema_id] = (self._clock() + FAULT_KEPT_S, exc)
            if len(self._faults) > FAULTS_MAX:
                self._faults.popitem(last=False)
        else:
            log.info("schema_loaded", schema=schema_id, codec=type(codec).__name__)
            self._codecs[schema_id] = codec
            if len(self._codecs) > CODECS_MAX:
                self._codecs.popitem(last=False)

    def _fetched(self, schema_id: int) -> Codec:
        if not 0 < schema_id <= _ID_MAX:
            raise BadMessage("schema", "no registry has an id like this")
        if self._registry is None:
            self._registry = self._open()
        return codec_of(self._registry.fetch(schema_id))


def codec_of(found: FoundSchema) -> Codec:
    """The codec of a schema.

    Raises:
        BadMessage: with reason `schema`.
    """
    match found.kind:
        case "AVRO":
            return AvroCodec(found.text, [text for _, text in found.references])
        case "JSON":
            return JsonCodec()
        case "PROTOBUF":
            return ProtobufCodec(compile_proto(found.text, dict(found.references)), MAIN)
    raise BadMessage("schema", f"schemas of type {found.kind[:30]!r} aren't read")
