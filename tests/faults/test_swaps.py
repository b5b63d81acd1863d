"""Swaps while the stream runs, rollbacks among them: nothing is lost, and every chunk has one model, whole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from relearn.agents.learning.predict import predict
from relearn.schemas.messages.headers import header_text
from relearn.schemas.messages.predictions import Block, decode_block
from relearn.schemas.model.linear_svm import Floats, Model
from relearn.schemas.settings import Settings
from tests.support.data import registered, retrains, reviewed
from tests.support.data.rows import messages, query, stored, value
from tests.support.faults.agreement import all_agree, newest
from tests.support.faults.streaming import Stream
from tests.support.processes.logs import events
from tests.support.processes.workers import WorkerProcess, workers
from tests.support.size import FULL
from tests.support.waiting import eventually

Running = dict[str, WorkerProcess]
SWAPS, RECORDS = (200, 200_000) if FULL else (20, 20_000)
RATE = 4_000
#: From champion 1 back to champion 1: what is asked for, and the version that it makes live.
TURN = (("activate", 2), ("activate", 3), ("rollback", 2), ("activate", 1))


@pytest.fixture
def settings(migrated: Settings) -> Settings:
    """A namespace with three models, the first of which is the champion."""
    for version in (1, 2, 3):
        retrains.load(migrated, 40, seed=version, prefix=f"part-{version}")
        assert registered.register(migrated, "champion" if version == 1 else "former") == version
    return migrated


def test_swaps_lose_nothing_and_mix_no_chunk(settings: Settings) -> None:
    with (
        workers(settings, retrain=1, score=2, store=1) as running,
        Stream(settings, rate=RATE, at_least=RECORDS) as stream,
    ):
        awaited = _swap(settings, running)
        records = stream.finish()
        eventually(lambda: stored(settings) >= records, lambda: f"{stored(settings)} of {records} were stored")
        all_agree(settings, running)
        assert newest(settings) == (1 + SWAPS, 1)
        rows = query(settings, "SELECT count(*), count(DISTINCT id) FROM predictions")[0]
        assert tuple(rows) == (records, records)
        assert value(settings, "SELECT count(*) FROM dead_letters") == 0
        logs = [running[name].log for name in ("score-1", "score-2")]
    for log in logs:
        _only_rises(log)
    known = {version: reviewed.model_of(settings, version) for version in (1, 2, 3)}
    found = _check_rows(settings, known)
    assert awaited <= found, "an activation that both workers scored with has no row"
    _check_chunks(settings, known)


def _swap(settings: Settings, running: Running) -> set[int]:
    """Every turn: two swaps, each once both workers have scored with the last one, then two at once.

    The activations that were waited for.
    """
    scorers = [running["score-1"], running["score-2"]]
    awaited = {1}
    _scored_with(scorers, 1)
    for turn in range(SWAPS // len(TURN)):
        first = 2 + turn * len(TURN)
        for number, (verb, version) in enumerate(TURN):
            # By force: a model that was rolled back isn't activated otherwise.
            retrains.send(settings, verb, version if verb == "activate" else None, force=verb == "activate")
            if number != 2:
                _scored_with(scorers, first + number)
                awaited.add(first + number)
    return awaited


def _scored_with(scorers: list[WorkerProcess], activation: int) -> None:
    """Until each has scored a chunk with it."""
    for worker in scorers:
        worker.wait_for(f"activation={activation} shadow=")


def _only_rises(log: str) -> None:
    """In one process: swaps are to higher activations only, and each chunk has the one that is live."""
    live = 0
    for event in events(log, "model_swapped", "chunk_scored"):
        activation = int(event["activation"])
        if event["event"] == "model_swapped":
            assert activation > live
            live = activation
        else:
            assert activation == live
    assert live == 1 + SWAPS


def _check_rows(settings: Settings, known: dict[int, Model]) -> set[int]:
    """Rows scored together have one model, the one of their activation, and it gives their margins again.

    The activations that there are.
    """
    mixed = """
    SELECT kafka_partition, scored_at FROM predictions GROUP BY 1, 2
    HAVING count(DISTINCT model) > 1 OR count(DISTINCT activation) > 1
    """
    assert query(settings, mixed) == []
    pairs = {tuple(row) for row in query(settings, "SELECT DISTINCT activation, model FROM predictions")}
    made = {
        tuple(row) for row in query(settings, "SELECT activation, version FROM activations WHERE role = 'champion'")
    }
    assert pairs <= made
    for version, model in known.items():
        rows = query(settings, "SELECT features, label, margins FROM predictions WHERE model = $1", version)
        assert rows, f"model {version} answered nothing"
        features, labels, margins = zip(*rows, strict=True)
        found = _check_margins(model, np.array(features), np.array(margins))
        assert [model.classes[i] for i in found] == list(labels)
    return {activation for activation, _ in pairs}


def _check_margins(model: Model, features: Floats, margins: Floats) -> NDArray[np.int16]:
    """Fail unless `model` gives these margins again, within rounding; its labels."""
    labels, again = predict(model, features)
    bound = 1e-9 * np.maximum(1.0, abs(model.bias) + abs(features) @ abs(model.weights).T)
    assert (abs(margins - again) <= bound).all()
    return labels


def _check_chunks(settings: Settings, known: dict[int, Model]) -> None:
    """All blocks of one chunk (one worker, one moment) name one model, and their margins are of no other one."""
    chunks: dict[tuple[str | None, float], set[tuple[int, int]]] = defaultdict(set)
    for source, block in _blocks(settings):
        chunks[source, block.scored_at].add((block.model, block.activation))
        _check_margins(known[block.model], block.features, block.margins)
    assert {source for source, _ in chunks} == {f"/{settings.namespace}/score-{i}" for i in (1, 2)}
    assert [chunk for chunk in chunks.values() if len(chunk) > 1] == []


def _blocks(settings: Settings) -> Iterator[tuple[str | None, Block]]:
    for message in messages(settings, "predictions"):
        yield header_text(message.headers(), "ce_source"), decode_block(message.value())
