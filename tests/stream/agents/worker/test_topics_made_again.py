"""Topics that are deleted and made again: no record is stored twice, none under a wrong generation."""

from __future__ import annotations

import signal

import numpy as np

from relearn.schemas.messages.ingest import encode_record
from relearn.schemas.settings import Settings
from tests.support.data import models
from tests.support.data.rows import caught_up, query, value
from tests.support.processes.workers import workers
from tests.support.servers.topics import Topic
from tests.support.waiting import eventually


def records(name: str, count: int) -> list[bytes]:
    return [encode_record(np.ones(4), record_id=f"{name}-{i}") for i in range(count)]


def rows(settings: Settings) -> dict[str, tuple[int, int]]:
    """For each kind of record its generation, and how many were stored; a kind with two generations fails."""
    found = query(
        settings,
        "SELECT split_part(id, '-', 1) AS kind, generation, count(*) AS n, count(DISTINCT id) AS ids FROM predictions"
        " GROUP BY 1, 2 ORDER BY 1, 2",
    )
    assert len({row["kind"] for row in found}) == len(found), found
    assert all(row["n"] == row["ids"] for row in found), found
    return {row["kind"]: (row["generation"], row["n"]) for row in found}


def test_ingest_made_again(migrated: Settings) -> None:
    """While the worker is stalled, running, stopped, twice in a row, and with other numbers of partitions."""
    models.publish(migrated, models.a_model(), 1)
    ingest = Topic(migrated, "ingest")
    with workers(migrated, score=1, store=1) as running:
        score = running["score-1"]

        def come(**wanted: tuple[int, int]) -> None:
            known.update(wanted)
            eventually(lambda: rows(migrated) == known, lambda: f"{rows(migrated)} != {known}\n{score.log[-3000:]}")
            eventually(lambda: caught_up(migrated, "score", "ingest"), "not committed to the end")

        known: dict[str, tuple[int, int]] = {}
        ingest.send(0, *records("first", 30))
        come(first=(0, 30))

        score.send(signal.SIGSTOP)
        ingest.make_again()
        ingest.send(0, *records("stalled", 50))
        ingest.send(1, *records("other", 5))
        score.send(signal.SIGCONT)
        come(stalled=(1, 50), other=(1, 5))

        ingest.make_again()
        ingest.send(0, *records("running", 20))
        come(running=(2, 20))

        assert score.terminate() == 0
        ingest.make_again()
        ingest.send(0, *records("stopped", 70))
        score.start()
        come(stopped=(3, 70))

        score.send(signal.SIGSTOP)
        ingest.make_again(1)
        ingest.make_again(3)
        ingest.send(1, *records("twice", 10))
        score.send(signal.SIGCONT)
        come(twice=(4, 10))
        ingest.make_again(1)
        ingest.send(0, *records("fewer", 80))
        come(fewer=(5, 80))
    # Also of the topic that was made again while no worker ran, whose offsets Kafka has deleted with it.
    told = "SELECT count(DISTINCT topic_id) FROM gaps WHERE why = 'recreated' AND topic = $1"
    assert value(migrated, told, ingest.name) == 5
