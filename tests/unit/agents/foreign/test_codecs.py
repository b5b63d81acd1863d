"""Schemas are fetched once, kept in bounds, and their faults asked for again after a while."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from relearn.agents.availability.notices import Notices
from relearn.agents.availability.retry import Retry
from relearn.agents.foreign import codecs
from relearn.agents.foreign.codecs import CODECS_MAX, FAULT_KEPT_S, FAULTS_MAX, Codecs
from relearn.agents.foreign.intake import TOGETHER_MAX, Intake
from relearn.agents.foreign.registry import FoundSchema
from relearn.agents.worker.state import WorkerState
from relearn.schemas.errors import BadMessage, RegistryUnavailable
from relearn.schemas.foreign.frame import frame
from relearn.schemas.messages.records import RawMessage
from relearn.schemas.settings import Settings
from tests.support.data.messages import FakeMessage

RETRY = Retry(WorkerState("", ""), stop=lambda: False)
AVRO = json.dumps({"type": "record", "name": "A", "fields": []})


class FakeRegistry:
    """Odd ids have an Avro schema, even ones none; `away` attempts fail before that."""

    def __init__(self, away: int = 0) -> None:
        self.asked: list[int] = []
        self.away = away

    def fetch(self, schema_id: int) -> FoundSchema:
        self.asked.append(schema_id)
        if self.away:
            self.away -= 1
            raise RegistryUnavailable("away")
        if schema_id % 2 == 0:
            raise BadMessage("schema", "none")
        return FoundSchema("AVRO", AVRO)


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_more_are_kept_than_are_used_together() -> None:
    assert min(CODECS_MAX, FAULTS_MAX) > TOGETHER_MAX


async def test_a_schema_is_fetched_once_and_its_fault_again_after_a_while() -> None:
    registry, clock = FakeRegistry(), Clock()
    found = Codecs(lambda: registry, RETRY, clock)
    for _ in range(2):
        await found.prepare([1, 2])
    assert registry.asked == [1, 2]
    assert found.of(1).decode(frame(1, b"")) == {}
    with pytest.raises(BadMessage, match="schema 2: none"):
        found.of(2)
    clock.now_s = FAULT_KEPT_S
    await found.prepare([1, 2])
    assert registry.asked == [1, 2, 2]


async def test_a_registry_that_is_away_is_waited_for() -> None:
    registry = FakeRegistry(away=2)
    found = Codecs(lambda: registry, RETRY)
    await found.prepare([1])
    assert (registry.asked, found.of(1).decode(frame(1, b""))) == ([1, 1, 1], {})


@pytest.mark.parametrize("schema_id", [0, 2**31, 2**32 - 1])
async def test_an_id_that_no_registry_has_is_not_asked_for(schema_id: int) -> None:
    registry = FakeRegistry()
    found = Codecs(lambda: registry, RETRY)
    await found.prepare([schema_id])
    with pytest.raises(BadMessage, match=f"schema {schema_id}: no registry has"):
        found.of(schema_id)
    assert registry.asked == []


@pytest.mark.parametrize("kind", ["THRIFT", "x" * 1000])
async def test_another_type_of_schema_is_a_fault(kind: str) -> None:
    with pytest.raises(BadMessage, match=r"schemas of type '.{1,30}' aren't read"):
        codecs.codec_of(FoundSchema(kind, ""))


async def test_schemas_are_kept_in_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codecs, "CODECS_MAX", 3)
    monkeypatch.setattr(codecs, "FAULTS_MAX", 3)
    registry = FakeRegistry()
    found = Codecs(lambda: registry, RETRY)
    for first in (1, 7, 1, 13):
        await found.prepare(range(first, first + 6))
    assert (len(found._codecs), len(found._faults)) == (3, 3)


async def test_messages_of_many_schemas_are_read_in_parts_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """All codecs of a part are at hand."""
    registry = FakeRegistry()
    intake = Intake(Settings(schema_registry_url="http://127.0.0.1:9"), Notices(), RETRY)
    assert intake._codecs is not None
    monkeypatch.setattr(intake._codecs, "_registry", registry)
    ids = [*range(1, 2 * TOGETHER_MAX + 3), 1, 2]
    messages = [FakeMessage(frame(number, b""), offset=i) for i, number in enumerate(ids)]
    seen: list[RawMessage] = []
    parts: list[Sequence[RawMessage]] = []
    async for part in intake.parts([FakeMessage(b"own"), FakeMessage(None), *messages]):
        parts.append(part)
        seen += part
        for message in part:
            if message.value and message.value[0] == 0:
                number = int.from_bytes(message.value[1:5], "big")
                assert (number in intake._codecs._codecs) or (number in intake._codecs._faults)
    assert [one.value for one in seen[2:]] == [one.value for one in messages]
    assert len(parts) == 3
