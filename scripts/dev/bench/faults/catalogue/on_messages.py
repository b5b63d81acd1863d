"""Hostile messages among the records, in every topic that producers and people write to."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from confluent_kafka import Producer

from relearn.agents.kafka.config import librdkafka_config
from relearn.scripts.dev.bench.faults import hostile
from relearn.scripts.dev.bench.faults.fault import Fault
from relearn.scripts.dev.bench.faults.ledger import plain_record
from relearn.scripts.dev.bench.faults.probe import until
from relearn.scripts.dev.bench.faults.scene import Scene

_PAUSE_BAR_S = 1.0
_MEMORY_BAR = 1.5
_PARTITIONS_BAR = 400
_PARTITIONS = """
SELECT count(*) FROM pg_inherits WHERE inhparent = 'predictions'::regclass
"""


def mix(scene: Scene) -> None:
    """The stream itself is mixed; here it is measured, until all of it is sent."""
    scene.stores(1_000)
    before = {name: worker.memory_bytes for name, worker in scene.workers.items()}
    ends = scene.unexpected_ends()
    with scene.pauses("the longest pause of storing", _PAUSE_BAR_S):
        scene.traffic.once([*hostile.COMMANDS.values()])
        wanted = scene.traffic.sent + scene.scale.hostile_records
        until(lambda: scene.traffic.sent >= wanted or not scene.traffic.is_alive(), "the traffic stands still", 3600)
    scene.traffic.hold()
    scene.measure("drained after the mix", scene.drained(), "s")
    scene.traffic.go_on()
    for name, first in before.items():
        peak = max(scene.watch.memory.get(name, [0]))
        scene.measure(f"peak memory of {name}, times that at the start", peak / max(first, 1), "times", _MEMORY_BAR)
    scene.measure("restarts", scene.unexpected_ends() - ends, bar=0)


def days(scene: Scene) -> None:
    """A forged block with 12,000 days, each of which could make a partition."""
    scene.stores(500)
    scene.traffic.once([hostile.many_days])
    scene.stores(2_000)
    scene.measure("drained after the block", scene.goes_on("store"), "s")
    scene.measure("partitions of predictions", scene.probe.value(_PARTITIONS), bar=_PARTITIONS_BAR)


def transactions(scene: Scene) -> None:
    """Records in transactions that commit, abort, and stay open for a while; only committed ones count."""
    for number, end in enumerate(("commit", "abort", "late", "commit")):
        scene.stores(300)
        producer = Producer(
            {**librdkafka_config(scene.settings), "transactional.id": f"{scene.settings.namespace}-{number}"}
        )
        producer.init_transactions(60)
        producer.begin_transaction()
        _send(scene, producer, first=-1_000_000 * (number + 1), noted=end != "abort")
        producer.flush(60)
        if end == "abort":
            producer.abort_transaction(60)
        else:
            if end == "late":
                time.sleep(scene.scale.silent_s)
            producer.commit_transaction(60)
    scene.traffic.hold()
    scene.measure("drained with control records at the end", scene.drained(), "s")
    scene.traffic.go_on()


def _send(scene: Scene, producer: Producer, *, first: int, noted: bool, count: int = 100) -> None:
    topic_id = scene.probe.topic_id("ingest")

    def note(number: int, error: Any, message: Any) -> None:
        if error is None and noted:
            scene.ledger.add_plain(topic_id, message.partition(), message.offset(), number)

    for number in range(first, first + count):
        producer.produce(scene.probe.name("ingest"), plain_record(number), on_delivery=partial(note, number))


FAULTS = (
    Fault("days", "a block of 12,000 days: the number of partitions is bounded, the stream goes on", days, alone=True),
    Fault("transactions", "records in transactions: committed ones count, once, and the lag ends at 0", transactions),
    Fault(
        "hostile",
        "hostile messages at 1 in 100: good ones complete, refusals exact to the record, no restart, no pause > 1 s,"
        " memory ≤ 1.5 times",
        mix,
        roles={"score": 2, "store": 1, "feedback": 1, "retrain": 1},
        learns=True,
        mixes=True,
        alone=True,
    ),
)
