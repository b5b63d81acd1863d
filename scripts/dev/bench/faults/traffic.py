"""Sends plain records at a steady rate, hostile messages among them, and notes each acknowledgement in the ledger."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from relearn.agents.kafka.config import idempotent_producer_config
from relearn.schemas.settings import Settings
from relearn.schemas.topics import TopicName, topic_name
from relearn.scripts.dev.bench.faults.hostile import Make
from relearn.scripts.dev.bench.faults.ledger import At, Ledger, Special, plain_record
from relearn.scripts.dev.bench.faults.probe import until

#: Records between two looks at the clock.
_STEP = 100
_CODECS = ("gzip", "snappy", "lz4", "zstd")
_GIVE_UP_S = 280.0


class Traffic(threading.Thread):
    """Records until `finish`, at least `at_least` of them. `sent` and `acknowledged` count plain records."""

    def __init__(
        self,
        settings: Settings,
        ledger: Ledger,
        topic_id: Callable[[TopicName], str],
        *,
        rate: float,
        at_least: int = 0,
        seed: int = 0,
        hostile: Sequence[Make] = (),
        hostile_share: float = 0.0,
        large: Sequence[Make] = (),
    ) -> None:
        """`topic_id` gives the id of a topic by its short name. `large` messages are sent once each, evenly spread."""
        super().__init__(name="traffic", daemon=True)
        self.rate = rate
        self.sent = 0
        self.acknowledged = 0
        self.errors: list[str] = []
        self._settings = settings
        self._ledger = ledger
        self._topic_id = topic_id
        self._ids: dict[TopicName, str] = {}
        self._at_least = at_least
        self._rng = np.random.default_rng(seed)
        self._hostile = hostile
        self._share = hostile_share
        self._large = list(large)
        self._enough, self._hold, self._held = threading.Event(), threading.Event(), threading.Event()
        self._specials = 0

    def run(self) -> None:
        """The thread: ends when `finish` was called and `at_least` records are sent and answered."""
        began, before = time.monotonic(), 0
        plain, packed = self._producers()
        while self.sent < self._at_least or not self._enough.is_set():
            if self._hold.is_set():
                self._settle(plain, *packed)
                self._held.set()
                until(lambda: not self._hold.is_set(), "the traffic was held", 3600)
                plain, packed = self._producers()
                began, before = time.monotonic(), self.sent
            for _ in range(_STEP):
                self._send(plain, plain_record(self.sent), self.sent)
                self.sent += 1
                if self._share and self._rng.random() < self._share:
                    make = self._hostile[int(self._rng.integers(len(self._hostile)))]
                    self._send_special(plain, make)
            if self._large and self.sent * (len(self._large) + 1) > self._at_least:
                self._send_special(self._one_of(packed), self._large.pop())
            for producer in (plain, *packed):
                producer.poll(0)
            time.sleep(max(0.0, began + (self.sent - before) / self.rate - time.monotonic()))
        self._settle(plain, *packed)

    def hold(self) -> None:
        """Send nothing more until `go_on`; returns when everything sent is answered."""
        self._held.clear()
        self._hold.set()
        until(lambda: self._held.is_set() or not self.is_alive(), "the traffic was not held", _GIVE_UP_S)

    def go_on(self) -> None:
        """Send again, with new producers and with the topics' ids of now."""
        self._ids.clear()
        self._hold.clear()

    def finish(self) -> None:
        """End the traffic, if it has begun; returns when every message is answered or given up."""
        self._enough.set()
        self._hold.clear()
        if self.ident is not None:
            self.join(_GIVE_UP_S + 60)

    def once(self, makes: Sequence[Make]) -> None:
        """Send these special messages now, from the caller's thread, and wait for their acknowledgements."""
        _, packed = self._producers()
        for make in makes:
            self._send_special(self._one_of(packed), make)
        for producer in packed:
            producer.flush(60)

    def _producers(self) -> tuple[Producer, list[Producer]]:
        """One for plain messages, and one of each codec for those that are large until they are compressed."""
        config = {
            **idempotent_producer_config(self._settings, "faults"),
            "linger.ms": 5,
            "log_level": 0,
            "delivery.timeout.ms": int(1000 * _GIVE_UP_S),
            "queue.buffering.max.kbytes": 256 * 1024,
            "message.max.bytes": 64 * 1024 * 1024,
        }
        return Producer(config), [Producer({**config, "compression.type": codec}) for codec in _CODECS]

    def _one_of(self, producers: Sequence[Producer]) -> Producer:
        return producers[int(self._rng.integers(len(producers)))]

    def _send_special(self, producer: Producer, make: Make) -> None:
        self._specials += 1
        self._send(producer, make(self._rng, f"special-{self._specials}"), -1)

    def _send(self, producer: Producer, message: Special | bytes, number: int) -> None:
        special = None if isinstance(message, bytes) else message
        value = message if isinstance(message, bytes) else message.value
        short: TopicName = "ingest" if special is None else special.topic
        topic_id = self._ids.get(short) or self._ids.setdefault(short, self._topic_id(short))
        given: dict[str, Any] = {}
        if special is not None and (special.key or special.headers):
            given = {"key": special.key, "headers": list(special.headers)}
        noted = partial(self._note, topic_id, special, number)
        while True:
            try:
                producer.produce(topic_name(self._settings.namespace, short), value, on_delivery=noted, **given)
            except BufferError:  # the broker is away for long: there is room once it is back
                producer.poll(0.1)
            except KafkaException as exc:
                self.errors.append(str(exc))
                return
            else:
                return

    def _note(
        self, topic_id: str, special: Special | None, number: int, error: KafkaError | None, message: Message
    ) -> None:
        partition, offset = message.partition(), message.offset()
        if error is not None or partition is None or offset is None:
            self.errors.append(str(error))
            if special is None:
                self._ledger.unanswered.add(number)
            return
        if special is None:
            self._ledger.add_plain(topic_id, partition, offset, number)
            self.acknowledged += 1
        else:
            self._ledger.add_special(At(topic_id, partition, offset), special)

    def _settle(self, *producers: Producer) -> None:
        for producer in producers:
            producer.flush(_GIVE_UP_S)
