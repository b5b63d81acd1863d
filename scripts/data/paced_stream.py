"""A steady stream of messages from a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from relearn.agents.kafka.producer import OutgoingMessage
from relearn.scripts.client.producer import Sender, send_paced

BeforeSend = Callable[[OutgoingMessage], None]


class PacedStream:
    """Sends `messages` at a rate between `start` and `end`. `sender` calls back, and counts, in the stream's thread."""

    def __init__(
        self, sender: Sender, messages: Iterator[OutgoingMessage], *, name: str, before_send: BeforeSend | None = None
    ) -> None:
        self.sender = sender
        self._messages = messages
        self._name = name
        self._before_send = before_send
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None
        self._flush_timeout_s = 30.0

    def start(self, rate: float) -> None:
        """Send records at `rate` per second until `end`."""
        self._stop = threading.Event()
        arguments = rate, self._stop
        self._thread = threading.Thread(target=self._run, args=arguments, name=self._name, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop sending; `running` stays True until all is acknowledged. `start` continues with the next record."""
        self._stop.set()

    @property
    def running(self) -> bool:
        """Whether the thread still sends, or waits for acknowledgements.

        Raises the error that ended the thread, if any.
        """
        if self._error is not None:
            raise self._error
        return self._thread is not None and self._thread.is_alive()

    def stop(self) -> None:
        """Stop sending; returns when all sent messages are acknowledged or given up."""
        self._flush_timeout_s = 5.0
        self.end()
        if self._thread is not None:
            self._thread.join()

    def _run(self, rate: float, stop: threading.Event) -> None:
        try:
            send_paced(self.sender, self._messages, rate=rate, stop=stop, before_send=self._before_send)
            self.sender.flush(self._flush_timeout_s)
        except BaseException as exc:  # noqa: BLE001 - `running` raises it
            self._error = exc
