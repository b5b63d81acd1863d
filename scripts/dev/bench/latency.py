"""`relearn bench latency`: from the producer's clock to a row that another connection can read, at steady rates.

Open loop: records are sent at their times whether or not the earlier ones have arrived. Another connection watches
`totals`, which is written in the same transaction as the rows; it looks about once a millisecond, which is in the
figures. Below each rate, what the rows themselves say: broker → scored, and scored → begin of the transaction.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from functools import partial
from typing import Any

import asyncpg
import click
import numpy as np
from confluent_kafka import Message, Producer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from relearn.agents.kafka.config import idempotent_producer_config
from relearn.agents.stores.postgres import quoted
from relearn.schemas.messages.ingest import encode_record
from relearn.schemas.settings import PREFIX, Settings
from relearn.schemas.topics import topic_name
from relearn.scripts.dev.bench.servers import scratch_directory
from relearn.scripts.dev.bench.workload import FEATURES, model, publish
from relearn.scripts.embedded.stack import running

WARM_UP_S = 5.0
PATIENCE_S = 60.0
console = Console(stderr=True)


@click.command()
@click.option("--rate", "rates", multiple=True, default=(1_000, 10_000), show_default=True, help="Records per second.")
@click.option("--seconds", default=20.0, show_default=True, help="How long each rate is held, after a warm-up of 5 s.")
@click.option("--score", default=2, show_default=True, help="Score workers.")
@click.option("--store", default=1, show_default=True, help="Store workers.")
def latency(rates: tuple[int, ...], seconds: float, score: int, store: int) -> None:
    """Record → row that another connection can read: p50, p90, p99, p99.9."""
    found = asyncio.run(_measure(rates, seconds, score, store))
    table = Table(title=f"record → row, {score} score and {store} store workers, ms")
    for heading in ("records/s", "records", "p50", "p90", "p99", "p99.9", "max"):
        table.add_column(heading, justify="right")
    for rate, waits_ms in found.items():
        quantiles = np.quantile(waits_ms, [0.5, 0.9, 0.99, 0.999, 1.0])
        table.add_row(f"{rate:,}", f"{len(waits_ms):,}", *(f"{q:.1f}" for q in quantiles))
    Console().print(table)


async def _measure(rates: tuple[int, ...], seconds: float, score: int, store: int) -> dict[int, NDArray[np.float64]]:
    found = {}
    with scratch_directory() as directory:
        plain = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        environment = {**plain, PREFIX + "DATA_DIR": str(directory), PREFIX + "NAMESPACE": "bench"}
        async with running(environment, score=score, store=store, feedback=0, retrain=0) as stack:
            publish(stack.settings, model())
            for rate in rates:
                console.print(f"{rate:,} records/s for {WARM_UP_S + seconds:.0f} s")
                began_s = time.time()
                found[rate] = await _one_rate(stack.settings, rate, seconds)
                await _print_stages(stack.settings, began_s + WARM_UP_S)
    return found


class Sending(threading.Thread):
    """Sends records at a steady rate; afterwards `at` holds when each was sent, by partition and offset."""

    def __init__(self, settings: Settings, rate: int, seconds: float) -> None:
        super().__init__(daemon=True)
        self._settings = settings
        self._rate = rate
        self._seconds = seconds
        self.at: dict[tuple[int, int], float] = {}

    def run(self) -> None:
        producer = Producer({**idempotent_producer_config(self._settings, "bench"), "linger.ms": 1})
        topic = topic_name(self._settings.namespace, "ingest")
        rows = np.random.default_rng(1).normal(size=(1000, FEATURES))
        values = [encode_record(row) for row in rows]
        began = time.time()
        for i in range(int(self._rate * self._seconds)):
            due_s = began + i / self._rate
            while (ahead_s := due_s - time.time()) > 0:
                producer.poll(0)
                time.sleep(min(ahead_s, 0.001))
            producer.produce(topic, values[i % 1000], on_delivery=partial(self._note, time.time()))
        producer.flush()

    def _note(self, sent_s: float, error: object, message: Message) -> None:
        partition, offset = message.partition(), message.offset()
        if error is None and partition is not None and offset is not None:
            self.at[partition, offset] = sent_s


async def _one_rate(settings: Settings, rate: int, seconds: float) -> NDArray[np.float64]:
    """The waits in milliseconds of the records sent after the warm-up."""
    sending = Sending(settings, rate, WARM_UP_S + seconds)
    connection = await asyncpg.connect(
        settings.postgres_dsn, server_settings={"search_path": quoted(settings.namespace)}
    )
    try:
        seen = await _watch(connection, sending)
    finally:
        await connection.close()
    if missing := len(sending.at) - len(seen):
        raise click.ClickException(f"{missing} of {len(sending.at)} records were not stored after {PATIENCE_S} s")
    begins = min(sending.at.values()) + WARM_UP_S
    return np.array([1000 * (seen[place] - sent_s) for place, sent_s in sending.at.items() if sent_s >= begins])


async def _watch(connection: Any, sending: Sending) -> dict[tuple[int, int], float]:
    """When each record's row could first be read: its partition's total changes in the same transaction."""
    look = await connection.prepare("SELECT kafka_partition, records FROM totals")
    totals: dict[int, int] = {row[0]: row[1] for row in await look.fetch()}
    stored_before = sum(totals.values())
    seen: dict[tuple[int, int], float] = {}
    sending.start()
    deadline = None
    while sending.is_alive() or len(seen) < len(sending.at):
        rows = await look.fetch()
        now_s = time.time()
        for partition, records in rows:
            for offset in range(totals.get(partition, 0), records):
                seen[partition, offset] = now_s
            totals[partition] = records
        if not sending.is_alive():
            deadline = deadline or now_s + PATIENCE_S
            if now_s > deadline:
                break
        await asyncio.sleep(0.001)
    if sum(totals.values()) - stored_before != len(seen):
        raise click.ClickException("totals and rows disagree")
    return seen


_STAGES = """
SELECT percentile_cont($2::float8[]) WITHIN GROUP (ORDER BY extract(epoch FROM scored_at - ingested_at) * 1000),
       percentile_cont($2::float8[]) WITHIN GROUP (ORDER BY extract(epoch FROM stored_at - scored_at) * 1000)
FROM predictions WHERE ingested_at >= to_timestamp($1)
"""


async def _print_stages(settings: Settings, since_s: float) -> None:
    connection = await asyncpg.connect(
        settings.postgres_dsn, server_settings={"search_path": quoted(settings.namespace)}
    )
    try:
        scored, begun = (await connection.fetch(_STAGES, since_s, [0.5, 0.9, 0.99]))[0]
    finally:
        await connection.close()
    for name, found in (("broker → scored", scored), ("scored → transaction begun", begun)):
        console.print(f"  {name:27} p50 {found[0]:7.1f}  p90 {found[1]:7.1f}  p99 {found[2]:7.1f} ms")
