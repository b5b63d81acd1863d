"""The demo's stream: real records and noisy resamples in turn, some alone and some many to a message, in a thread."""

from __future__ import annotations

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
from relearn.scripts.client.producer import Sender
from relearn.scripts.data.datasets import Dataset, resample_with_noise
from relearn.scripts.data.messages import encode_many, encode_one
from relearn.scripts.data.paced_stream import PacedStream

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


class DemoStream(PacedStream):
    """The demo's messages; `acknowledged` holds those that the broker has, for the event loop to take."""

    def __init__(self, settings: Settings, real: Dataset, run: str, seed: int) -> None:
        topic, source = topic_name(settings.namespace, "ingest"), f"/{settings.namespace}/demo"
        self.acknowledged: deque[Acknowledged] = deque()
        self.change: Callable[[Dataset], Dataset] | None = None
        """Applied to all records that are sent from now on; None: no change."""
        self._sent_s: dict[str, float] = {}
        super().__init__(
            Sender(settings, topic, source=source, on_ack=self._on_ack),
            labelled(records(real, seed), run, lambda piece: self.change(piece) if self.change else piece),
            name="demo-stream",
            before_send=self._note_time,
        )

    def _note_time(self, message: OutgoingMessage) -> None:
        self._sent_s[message.event_id] = time.time()

    def _on_ack(self, message: OutgoingMessage, partition: int, offset: int | None) -> None:
        assert isinstance(message, Labelled)
        sent_s = self._sent_s.pop(message.event_id)
        if offset is not None:  # its records can't be recognised without it
            self.acknowledged.append(Acknowledged(partition, offset, message.labels, sent_s))
