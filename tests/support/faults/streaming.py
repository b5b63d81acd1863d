"""A steady stream of records in the background, for tests that take something away meanwhile."""

from __future__ import annotations

import threading
import time

import numpy as np
from confluent_kafka import Producer

from relearn.agents.kafka.config import librdkafka_config
from relearn.schemas.messages.ingest import encode_record
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name


class Stream(threading.Thread):
    """Records at `rate` a second, at least `at_least` of them, until `finish`; `sent` of them acknowledged so far."""

    def __init__(self, settings: Settings, *, rate: int, at_least: int) -> None:
        super().__init__(daemon=True)
        self.rate = rate
        self.sent = 0
        self._settings = settings
        self._at_least = at_least
        self._enough = threading.Event()

    def run(self) -> None:
        producer = Producer({**librdkafka_config(self._settings), "enable.idempotence": True, "linger.ms": 5})
        topic = topic_name(self._settings.namespace, "ingest")
        features = np.random.default_rng(1).normal(size=(1000, 4))
        began = time.monotonic()
        i = 0
        while i < self._at_least or not self._enough.is_set():
            try:
                producer.produce(topic, encode_record(features[i % 1000], record_id=str(i)), on_delivery=self._count)
            except BufferError:  # the broker is away for long: there is room once it is back
                producer.poll(0.1)
                continue
            i += 1
            if i % 200 == 0:
                producer.poll(0)
                time.sleep(max(0.0, began + i / self.rate - time.monotonic()))
        assert producer.flush(60) == 0

    def finish(self) -> int:
        """End the stream; the number of records that it had."""
        self._enough.set()
        self.join(120)
        return self.sent

    def _count(self, error: object, _: object) -> None:
        assert error is None
        self.sent += 1
