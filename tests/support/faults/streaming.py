"""A steady stream of records in the background, for tests that take something away meanwhile."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Self

import numpy as np
from confluent_kafka import Producer

from relearn.agents.kafka.config import librdkafka_config
from relearn.schemas.messages.ingest import encode_record
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name


class Stream(threading.Thread):
    """While the block runs: `rate` records a second, at least `at_least` of them, until `finish`.

    `sent` of them are acknowledged so far. A block that fails ends the stream at once.
    """

    def __init__(self, settings: Settings, *, rate: int, at_least: int) -> None:
        super().__init__(daemon=True)
        self.rate = rate
        self.sent = 0
        self._settings = settings
        self._at_least = at_least
        self._enough, self._abandoned = threading.Event(), threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        if kind is not None:
            self._abandoned.set()
        self.finish()

    def run(self) -> None:
        producer = Producer({**librdkafka_config(self._settings), "enable.idempotence": True, "linger.ms": 5})
        topic = topic_name(self._settings.namespace, "ingest")
        features = np.random.default_rng(1).normal(size=(1000, 4))
        began = time.monotonic()
        i = 0
        while not self._abandoned.is_set() and (i < self._at_least or not self._enough.is_set()):
            try:
                producer.produce(topic, encode_record(features[i % 1000], record_id=str(i)), on_delivery=self._count)
            except BufferError:  # the broker is away for long: there is room once it is back
                producer.poll(0.1)
                continue
            i += 1
            if i % 200 == 0:
                producer.poll(0)
                time.sleep(max(0.0, began + i / self.rate - time.monotonic()))
        while producer.flush(0.5) and not self._abandoned.is_set():
            pass
        if self._abandoned.is_set():
            producer.purge()
            producer.flush()

    def finish(self) -> int:
        """End the stream; the number of records that it had."""
        self._enough.set()
        self.join(120)
        assert not self.is_alive(), f"{self.sent} records were acknowledged in time, and not all that were sent"
        return self.sent

    def _count(self, error: object, _: object) -> None:
        if error is None:
            self.sent += 1
        elif not self._abandoned.is_set():
            raise RuntimeError(str(error))
