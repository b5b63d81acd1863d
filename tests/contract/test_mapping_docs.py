"""The examples of docs/mapping.md, run: the mapping, a message, and the record that it is."""

from __future__ import annotations

import io
import json
import re
from decimal import Decimal

import fastavro

from relearn.schemas.foreign.avro import AvroCodec
from relearn.schemas.foreign.frame import frame
from relearn.schemas.foreign.mapping import parse_mapping
from relearn.schemas.foreign.reader import ForeignReader
from tests.support.data.messages import FakeMessage, decode_chunk
from tests.support.paths import ROOT

PAGE = (ROOT / "docs/mapping.md").read_text()


def test_the_example_of_debezium_is_the_record_that_the_page_shows() -> None:
    part = PAGE.split("## An example: Debezium")[1].split("\n## ")[0]
    (mapping,) = re.findall(r"```toml\n(.*?)```", part, re.DOTALL)
    message, record = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", part, re.DOTALL))
    names = tuple(record["features"])
    reader = ForeignReader(parse_mapping(mapping, "docs/mapping.md"), None)
    (mapped, own), rejects = decode_chunk([FakeMessage(json.dumps(message).encode())], names, reader), []
    expected, _ = decode_chunk([FakeMessage(json.dumps(record).encode())], names)
    assert own == rejects
    assert mapped.features.tolist() == expected.features.tolist()
    assert (mapped.ids, mapped.subjects, mapped.contexts) == (expected.ids, expected.subjects, expected.contexts)


def test_the_example_of_avro_is_the_record_that_the_page_shows() -> None:
    part = PAGE.split("## An example: Avro")[1].split("\n## ")[0]
    (mapping,) = re.findall(r"```toml\n(.*?)```", part, re.DOTALL)
    schema, message, record = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", part, re.DOTALL))
    body = io.BytesIO()
    charge = Decimal(str(message["charge"]))
    fastavro.schemaless_writer(body, fastavro.parse_schema(schema), {**message, "charge": charge})
    codec, names = AvroCodec(json.dumps(schema)), tuple(record["features"])
    reader = ForeignReader(parse_mapping(mapping, "docs/mapping.md"), {5: codec}.__getitem__)
    mapped, rejects = decode_chunk([FakeMessage(frame(5, body.getvalue()))], names, reader)
    assert rejects == []
    assert mapped.features.tolist() == [list(record["features"].values())]
    assert mapped.subjects == [record["subject"]]
