"""Results in Avro, in a schema registry's framing: the byte 0, the schema's id, the value.

Any consumer with the registry's deserializer reads them. The schema is `schemas/result.avsc`, and its subject the one
that deserializers and sinks expect: the topic's name and `-value`.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import fastavro
import msgspec

import relearn.schemas
from relearn.agents.foreign.registry import Registry
from relearn.schemas.errors import BadMessage, SetupError
from relearn.schemas.foreign.frame import frame
from relearn.schemas.messages.results import ResultWire
from relearn.schemas.settings import Settings

SCHEMA = Path(relearn.schemas.__file__).with_name("result.avsc")


def avro_encoder(settings: Settings, topic: str) -> Callable[[ResultWire], bytes]:
    """The encoder of a topic's values, once the registry has the schema. Blocking: run in a thread. Safe to repeat.

    Raises:
        RegistryUnavailable: retryable.
        SetupError: the registry refuses the schema, access, or isn't one.
    """
    text = SCHEMA.read_text("utf-8")
    registry = Registry(settings)
    try:
        schema_id = registry.register(f"{topic}-value", text)
    except BadMessage as exc:
        raise SetupError(f"the schema registry refuses the schema of {topic}: {exc.detail}") from exc
    finally:
        registry.close()
    schema = fastavro.parse_schema(msgspec.json.decode(text))

    def encode(result: ResultWire) -> bytes:
        file = io.BytesIO()
        fastavro.schemaless_writer(file, schema, msgspec.structs.asdict(result))
        return frame(schema_id, file.getvalue())

    return encode
