"""The topic of records deleted and made again, cut off at its beginning, and given more partitions."""

from __future__ import annotations

import asyncio
import signal
import time

from confluent_kafka import TopicPartition
from confluent_kafka.admin import NewPartitions  # type: ignore[attr-defined] # re-exports without __all__

from relearn.scripts.client.migrations import run_migrations
from relearn.scripts.dev.bench.faults.fault import Fault
from relearn.scripts.dev.bench.faults.probe import NeverHappened, until
from relearn.scripts.dev.bench.faults.scene import Scene

_BACK_BAR_S = 60.0
#: Role `all`: the topic was made again while no worker read it.
_GAPS = "SELECT count(*) FROM gaps WHERE role IN ('score', 'all') AND topic = $1 AND why = $2"
_UNREAD = "SELECT sum(lost) FROM gaps WHERE role = 'score' AND topic = $1 AND why = $2"


def remade_while_stopped(scene: Scene) -> None:
    """All score workers are stopped in order; the topic is made again; they start."""
    scene.stores(500)
    for worker in scene.of_role("score"):
        worker.terminate()
    _remake(scene)
    for worker in scene.of_role("score"):
        worker.start()
    _stores_again(scene)


def remade_while_stalled(scene: Scene) -> None:
    """All score workers are suspended, for less than their session; the topic is made again; they go on."""
    scene.stores(500)
    for worker in scene.of_role("score"):
        worker.send(signal.SIGSTOP)
    _remake(scene)
    for worker in scene.of_role("score"):
        worker.send(signal.SIGCONT)
    _stores_again(scene)


def remade_while_running(scene: Scene) -> None:
    """The topic is deleted and made again under workers that run."""
    scene.stores(500)
    _remake(scene)
    _stores_again(scene)


def _remake(scene: Scene) -> None:
    """Delete the topic and have `migrate` make it. What score hadn't committed may have been lost with it."""
    scene.traffic.hold()
    old = scene.probe.topic_id("ingest")
    for partition, offset in scene.probe.committed("score", "ingest").items():
        scene.ledger.vanished[old, partition] = offset
    scene.probe.delete_topic("ingest")
    asyncio.run(run_migrations(scene.settings))
    until(lambda: bool(scene.probe.ends("ingest")), "the topic was not made again")


def _stores_again(scene: Scene) -> None:
    scene.traffic.go_on()
    began = time.monotonic()
    scene.stores(500)
    scene.goes_on("score")
    scene.measure("stores again after the topic was made again", time.monotonic() - began, "s", _BACK_BAR_S)
    _told(scene, "recreated")


def _told(scene: Scene, why: str) -> None:
    """The jump is in the table that `relearn status` reads."""
    ingest = scene.probe.name("ingest")
    try:
        until(lambda: scene.probe.value(_GAPS, ingest, why) > 0, "no gap", 15)
        untold = 0
    except NeverHappened:
        untold = 1
    scene.measure("jumps that `relearn status` does not show", untold, bar=0)
    scene.measure("offsets not read, by `relearn status`", float(scene.probe.value(_UNREAD, ingest, why) or 0))


def records_deleted(scene: Scene) -> None:
    """Score is stopped; the records that it hasn't read are deleted; it starts."""
    scene.stores(500)
    for worker in scene.of_role("score"):
        worker.terminate()
    committed = scene.probe.committed("score", "ingest")
    until(lambda: sum(scene.probe.lag("score", "ingest").values()) > 500, "no lag")
    ends = scene.probe.ends("ingest")
    topic, topic_id = scene.probe.name("ingest"), scene.probe.topic_id("ingest")
    upto = {number: (committed.get(number, 0) + end) // 2 for number, end in ends.items()}
    for number, offset in upto.items():
        scene.ledger.deleted_below[topic_id, number] = committed.get(number, 0), offset
    wanted = [TopicPartition(topic, number, offset) for number, offset in upto.items()]
    for future in scene.probe.admin.delete_records(wanted).values():
        future.result(30)
    gone = sum(offset - committed.get(number, 0) for number, offset in upto.items())
    for worker in scene.of_role("score"):
        worker.start()
    scene.stores(500)
    scene.goes_on("score")
    scene.measure("records deleted unread", gone)
    _told(scene, "deleted")


def partitions_added(scene: Scene) -> None:
    """`ingest` gets more partitions than `predictions` has, then `migrate` runs, under workers that run."""
    scene.stores(500)
    name, before = scene.probe.name("ingest"), len(scene.probe.ends("ingest"))
    for future in scene.probe.admin.create_partitions([NewPartitions(name, before + 4)]).values():
        future.result(30)
    asyncio.run(run_migrations(scene.settings))
    scene.traffic.hold()
    scene.traffic.go_on()
    began = time.monotonic()
    until(lambda: len(scene.probe.ends("ingest")) == before + 4, "no partitions were added")
    until(
        lambda: scene.probe.value("SELECT count(*) FROM totals WHERE kafka_partition >= $1", before) == 4,
        lambda: "the new partitions are not stored\n" + scene.logs(),
        180,
    )
    scene.measure("records of all new partitions are stored", time.monotonic() - began, "s", _BACK_BAR_S)


_ROW = "0 twice, nothing under a wrong generation"
FAULTS = (
    Fault("remade-stopped", f"topic made again while workers are stopped: {_ROW}", remade_while_stopped, alone=True),
    Fault("remade-stalled", f"topic made again while workers are stalled: {_ROW}", remade_while_stalled, alone=True),
    Fault("remade-running", f"topic made again while workers run: {_ROW}", remade_while_running, alone=True),
    Fault("records-deleted", "records deleted unread: noticed, counted, 0 twice", records_deleted, alone=True),
    Fault("partitions-added", "partitions added: read within a minute", partitions_added, alone=True),
)
