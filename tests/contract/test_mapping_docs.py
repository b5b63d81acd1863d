"""The examples of docs/mapping.md, run: the mapping, a message, and the record that it is."""

from __future__ import annotations

import json
import re

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
