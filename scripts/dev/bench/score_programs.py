"""The programs that `relearn bench score` compares; each prints the seconds from first record to last receipt."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable
from typing import Any, cast

import faust
import msgpack
import numpy as np
from confluent_kafka import Consumer, Producer, TopicPartition
from faust.transport.drivers.aiokafka import Transport as FaustTransport

from relearn.agents.kafka.config import librdkafka_config
from relearn.agents.kafka.producer import KafkaProducer, Receipt
from relearn.agents.models.live import Served
from relearn.agents.worker.app import make_app
from relearn.agents.worker.consumer import Chunk, chunk_topic
from relearn.agents.worker.logging import set_up_logging
from relearn.agents.worker.loop import Receipts, process_chunks
from relearn.agents.worker.state import WorkerState
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name
from relearn.scripts.dev.bench.workload import Form, blocks, model_of


class Stopwatch:
    """Counts records; prints and ends the process when all are done."""

    def __init__(self, count: int) -> None:
        self.left = count
        self.began = 0.0

    def start(self) -> None:
        self.began = self.began or time.perf_counter()

    def done(self, records: int) -> bool:
        self.left -= records
        return self.left <= 0

    def finish(self) -> None:
        sys.stdout.write(f"{time.perf_counter() - self.began}\n")
        sys.stdout.flush()
        os._exit(0)


def plain(settings: Settings, served: Served, count: int, group: str) -> None:
    """A Faust agent as its documentation writes it, a message at a time; the same producer as the others'."""
    app = _app(settings, group)
    app.conf.stream_buffer_maxsize = 4096  # Faust's default, which it needs to be fast
    app.transport = FaustTransport(app.transport.url, app)
    watch = Stopwatch(count)
    weights, bias = served.model.weights[0], float(served.model.bias[0])
    predictions = topic_name(settings.namespace, "predictions")

    async def agent(stream: Any) -> None:
        producer = KafkaProducer(settings, group)
        receipts = []
        async for event in stream.events():
            watch.start()
            message = event.message
            features = msgpack.unpackb(message.value)["features"]
            x = np.frombuffer(features) if isinstance(features, bytes) else np.array(features)
            if x.shape != weights.shape or not np.isfinite(x).all():
                raise RuntimeError("a bad record")
            margin = float(weights @ x) + bias
            prediction = {"offset": message.offset, "features": features, "label": int(margin > 0), "margin": margin}
            receipts.append(await producer.send(predictions, msgpack.packb(prediction), partition=message.partition))
            if watch.done(1):
                await asyncio.gather(*receipts)
                watch.finish()

    source = app.topic(topic_name(settings.namespace, "ingest"), value_type=bytes, value_serializer="raw")
    app.agent(source)(agent)
    _run_app(app)


def chunked(settings: Settings, served: Served, count: int, group: str) -> None:
    """Relearn's driver and loop, four blocks in flight."""
    app = _app(settings, group)
    watch = Stopwatch(count)
    predictions = topic_name(settings.namespace, "predictions")

    async def agent(stream: Any) -> None:
        producer = KafkaProducer(settings, group)

        async def receipt(sent: list[asyncio.Future[Receipt]], records: int) -> None:
            await asyncio.gather(*sent)
            if watch.done(records):
                watch.finish()

        async def handle(chunk: Chunk) -> Receipts:
            watch.start()
            sent = [
                await producer.send(predictions, value, partition=partition)
                for partition, value in blocks(list(chunk.records), served)
            ]
            return [receipt(sent, len(chunk.records))]

        state = WorkerState(group, "score", stage="ready")
        await process_chunks(app, state, stream, handle, stop=lambda: app.should_stop, in_flight=4)

    app.agent(chunk_topic(app, topic_name(settings.namespace, "ingest")))(agent)
    _run_app(app)


def raw(settings: Settings, served: Served, count: int, group: str) -> None:
    """No Faust: librdkafka's consumer and producer in one loop."""
    watch = Stopwatch(count)
    ingest, predictions = (topic_name(settings.namespace, name) for name in ("ingest", "predictions"))
    config = librdkafka_config(settings)
    consumer = Consumer(
        {
            **config,
            "group.id": group,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "fetch.queue.backoff.ms": 5,
        }
    )
    partitions = consumer.list_topics(ingest, 10).topics[ingest].partitions
    consumer.assign([TopicPartition(ingest, partition, 0) for partition in partitions])
    producer = Producer({**config, "enable.idempotence": True, "linger.ms": 1})
    while True:
        messages = [_Raw(message) for message in consumer.consume(2000, 0.1)]
        if not messages:
            continue
        watch.start()
        for partition, value in blocks(messages, served):  # type: ignore[arg-type]
            producer.produce(predictions, value, partition=partition)
        producer.poll(0)
        if watch.done(len(messages)):
            producer.flush()
            consumer.commit(asynchronous=False)
            watch.finish()


class _Raw:
    """A confluent-kafka message as the contract's RawMessage."""

    __slots__ = ("headers", "key", "offset", "partition", "timestamp", "topic", "value")

    def __init__(self, message: Any) -> None:
        if message.error():
            raise RuntimeError(message.error())
        self.topic, self.partition, self.offset = message.topic(), message.partition(), message.offset()
        self.timestamp, self.key, self.value, self.headers = message.timestamp()[1], None, message.value(), ()


def _app(settings: Settings, group: str) -> faust.App:
    """An app in a consumer group of its own, so that each run reads everything."""
    return make_app(settings.model_copy(update={"namespace": group}), "score", None)


def _run_app(app: faust.App) -> None:
    app.finalize()
    faust.Worker(app, loglevel="error", redirect_stdouts=False, override_logging=False).execute_from_commandline()


PROGRAMS: dict[str, Callable[[Settings, Served, int, str], None]] = {"plain": plain, "chunked": chunked, "raw": raw}

if __name__ == "__main__":
    name, given, form, number, group_name = sys.argv[1:]
    set_up_logging("warning", program=name)
    PROGRAMS[name](Settings.model_validate_json(given), model_of(cast("Form", form)), int(number), group_name)
