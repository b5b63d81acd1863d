"""`relearn bench decode`: the time to decode one message of 30 numbers, in each form that `ingest` takes, in turn.

The forms of Relearn's own, and those of others: JSON by a mapping, Avro by a schema and a mapping. One thread, and no
server.
"""

from __future__ import annotations

import io
import json
import os
import statistics
import time
from collections.abc import Iterator, Sequence
from typing import Any

import click
import fastavro
import numpy as np
from rich.console import Console
from rich.table import Table

from relearn.schemas.features import numbers_alone
from relearn.schemas.foreign.avro import AvroCodec
from relearn.schemas.foreign.frame import frame
from relearn.schemas.foreign.mapping import parse_mapping
from relearn.schemas.foreign.reader import ForeignReader
from relearn.schemas.messages.ingest import encode_record
from relearn.schemas.messages.ingest_fast_path import decode_parts
from relearn.scripts.dev.bench.workload import FEATURES

MESSAGES = 1000
_NAMES = tuple(f"x{i + 1}" for i in range(FEATURES))
_SCHEMA = numbers_alone(_NAMES)
_MAPPING = parse_mapping("[features]\n" + "\n".join(f'{name} = "{name}"' for name in _NAMES), "bench")
Form = tuple[Sequence[Any], ForeignReader | None]


class _Message:
    """A message as the driver hands it over."""

    __slots__ = ("headers", "key", "offset", "partition", "timestamp", "topic", "value")

    def __init__(self, value: bytes, offset: int) -> None:
        self.topic, self.partition, self.offset, self.timestamp = "ingest", 0, offset, 1_790_000_000_000
        self.key, self.value, self.headers = None, value, ()


@click.command()
@click.option("--rounds", default=15, show_default=True, help="Rounds; the forms take turns in each.")
def decode(rounds: int) -> None:
    """Microseconds to decode a message of each form, and the throughput beside that of a JSON list."""
    forms = dict(_forms())
    found: dict[str, list[float]] = {name: [] for name in forms}
    for _ in range(rounds):
        for name, form in forms.items():
            found[name].append(_decode(form))
    medians = {name: 1e6 * statistics.median(times) / MESSAGES for name, times in found.items()}
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    table = Table(title=f"a message of {FEATURES} numbers, median of {rounds} rounds, load {load}")
    for heading in ("form", "µs", "times a JSON list"):
        table.add_column(heading, justify="left" if heading == "form" else "right")
    for name, median in medians.items():
        table.add_row(name, f"{median:.2f}", f"{medians['JSON list'] / median:.2f}")
    Console().print(table)


def _decode(form: Form) -> float:
    """Seconds for all messages of one form."""
    messages, reader = form
    began = time.perf_counter()
    for records, rejects in decode_parts(messages, _SCHEMA, reader):
        if rejects or len(records) != MESSAGES:
            raise RuntimeError(rejects[0].fault.detail)
    return time.perf_counter() - began


def _forms() -> Iterator[tuple[str, Form]]:
    rows = np.random.default_rng(1).normal(size=(MESSAGES, FEATURES)).tolist()
    maps = [dict(zip(_NAMES, row, strict=True)) for row in rows]
    by_mapping = ForeignReader(_MAPPING, None)
    yield "JSON list", (_messages(json.dumps({"features": row}).encode() for row in rows), None)
    yield "MessagePack list", (_messages(encode_record(row) for row in rows), None)
    yield "JSON, mapped", (_messages(json.dumps(one).encode() for one in maps), by_mapping)
    envelopes = ({"before": None, "after": one, "op": "c"} for one in maps)
    yield "Debezium in JSON", (_messages(json.dumps(one).encode() for one in envelopes), by_mapping)
    plain, nullable = _record("double"), _record(["null", "double"])
    yield "Avro, mapped", _avro(plain, maps)
    yield "Avro, mapped, nullable", _avro(nullable, maps)
    fields = [{"name": "before", "type": ["null", nullable]}, {"name": "after", "type": ["null", "Row"]}]
    envelope = {"type": "record", "name": "Envelope", "fields": [*fields, {"name": "op", "type": "string"}]}
    yield "Debezium in Avro", _avro(envelope, [{"before": None, "after": one, "op": "c"} for one in maps])
    own = {"type": "record", "name": "Own", "fields": [{"name": "features", "type": _ARRAY}]}
    yield "Avro of our shape", _avro(own, [{"features": row} for row in rows], mapped=False)


_ARRAY = {"type": "array", "items": "double"}


def _record(kind: Any) -> dict[str, Any]:
    return {"type": "record", "name": "Row", "fields": [{"name": name, "type": kind} for name in _NAMES]}


def _avro(schema: dict[str, Any], values: Sequence[Any], *, mapped: bool = True) -> Form:
    codec, parsed = AvroCodec(json.dumps(schema)), fastavro.parse_schema(schema)

    def written(value: Any) -> bytes:
        body = io.BytesIO()
        fastavro.schemaless_writer(body, parsed, value)
        return frame(1, body.getvalue())

    return _messages(map(written, values)), ForeignReader(_MAPPING if mapped else None, lambda schema_id: codec)


def _messages(values: Any) -> list[Any]:
    return [_Message(value, offset) for offset, value in enumerate(values)]
