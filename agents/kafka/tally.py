"""The acknowledgements of many messages that have one receipt."""

from __future__ import annotations

import threading
from collections.abc import Callable

from confluent_kafka import KafkaError, Message


class Tally:
    """Counts the deliveries of many messages, in the thread that polls. `done` gets number and first error."""

    __slots__ = ("_closed", "_done", "_error", "_lock", "_settled", "handed_over")

    def __init__(self, done: Callable[[int, KafkaError | None], object]) -> None:
        self.handed_over = 0
        self._settled = 0
        self._closed = False
        self._error: KafkaError | None = None
        self._done = done
        self._lock = threading.Lock()

    def __call__(self, error: KafkaError | None, _: Message) -> None:
        """One more is settled."""
        with self._lock:
            self._settled += 1
            self._error = self._error or error
            last = self._closed and self._settled == self.handed_over
        if last:
            self._done(self.handed_over, self._error)

    def close(self) -> None:
        """No more are handed over."""
        with self._lock:
            self._closed = True
            last = self._settled == self.handed_over
        if last:
            self._done(self.handed_over, self._error)
