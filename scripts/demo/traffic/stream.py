"""The demo's stream: real records and noisy resamples in turn, some alone and some many to a message, in a thread."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count, cycle, islice

import numpy as np

from relearn.agents.kafka.producer import OutgoingMessage
from relearn.schemas.messages.ingest import CE_TYPE_MANY, CE_TYPE_ONE
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name
from relearn.scripts.client.producer import Sender, send_paced
from relearn.scripts.data.datasets import Dataset, resample_with_noise
from relearn.scripts.data.messages import encode_many, encode_one

#: The number of single-record messages, then of records in one message, in turn.
TOGETHER = 25
#: The number of real records, then of resamples, in turn.
PIECE = 2 * TOGETHER
NOISE = 0.2


@dataclass(frozen=True, slots=True)
class Labelled(OutgoingMessage):
    """A message and the true labels of its records."""

    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """An acknowledged message: its place, its true labels, and when the producer got it, epoch seconds."""

    partition: int
    offset: int
    labels: tuple[str, ...]
    sent_s: float


def records(real: Dataset, seed: int) -> Iterator[Dataset]:
    """The real records in pieces, each followed by as many noisy resamples; then shuffled again, without end.

    The mixture stays the same from the first record to the last: noise that began later would be drift.
    """
    rng = np.random.default_rng(seed)
    order = np.arange(len(real))
    while True:
        for at in range(0, len(real), PIECE):
            piece = real.take(order[at : at + PIECE])
            yield piece
            yield resample_with_noise(real, len(piece), rng, NOISE)
        order = rng.permutation(len(real))


def labelled(
    datasets: Iterator[Dataset], run: str, changed: Callable[[Dataset], Dataset] = lambda records: records
) -> Iterator[Labelled]:
    """Messages of single records and, in turn, of many with a batch id. Ids are `run` and a number.

    `changed` is applied to the records of each message.
    """
    sent, batches = 0, count()
    for dataset in datasets:
        rows = iter(range(len(dataset)))
        for together in cycle([False] * TOGETHER + [True]):
            at = list(islice(rows, TOGETHER if together else 1))
            if not at:
                break
            piece = changed(dataset.take(slice(at[0], at[-1] + 1)))
            ids = [f"{run}-{sent + i}" for i in range(len(piece))]
            labels = piece.labels or ()
            if together:
                batch = f"{run}-batch-{next(batches)}"
                yield Labelled(encode_many(piece, ids, batch, "packed"), CE_TYPE_MANY, None, batch, len(piece), labels)
            else:
                yield Labelled(encode_one(piece, ids, None, "packed"), CE_TYPE_ONE, None, ids[0], 1, labels)
            sent += len(piece)


class DemoStream:
    """Sends from a thread of its own; `acknowledged` holds messages that the broker has, for the event loop to take."""

    def __init__(self, settings: Settings, real: Dataset, run: str, seed: int) -> None:
        self.sender = Sender(
            settings,
            topic_name(settings.namespace, "ingest"),
            source=f"/{settings.namespace}/demo",
            on_ack=self._on_ack,
        )
        self.acknowledged: deque[Acknowledged] = deque()
        self.change: Callable[[Dataset], Dataset] | None = None
        """Applied to all records that are sent from now on; None: no change."""
        self._messages = labelled(records(real, seed), run, lambda piece: self.change(piece) if self.change else piece)
        self._sent_s: dict[str, float] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None
        self._flush_timeout_s = 30.0

    def start(self, rate: float) -> None:
        """Send records at `rate` per second until `end`."""
        self._stop = threading.Event()
        arguments = self._messages, rate, self._stop
        self._thread = threading.Thread(target=self._run, args=arguments, name="demo-stream", daemon=True)
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

    def _run(self, messages: Iterator[Labelled], rate: float, stop: threading.Event) -> None:
        try:
            send_paced(self.sender, messages, rate=rate, stop=stop, before_send=self._before_send)
            self.sender.flush(self._flush_timeout_s)
        except BaseException as exc:  # noqa: BLE001 - `running` raises it
            self._error = exc

    def _before_send(self, message: OutgoingMessage) -> None:
        self._sent_s[message.event_id] = time.time()

    def _on_ack(self, message: OutgoingMessage, partition: int, offset: int | None) -> None:
        assert isinstance(message, Labelled)
        sent_s = self._sent_s.pop(message.event_id)
        if offset is not None:  # its records can't be recognised without it
            self.acknowledged.append(Acknowledged(partition, offset, message.labels, sent_s))
