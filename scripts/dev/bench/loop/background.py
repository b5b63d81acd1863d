"""A steady stream of other records beside the rounds, and how soon they were scored while a model was trained."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import NamedTuple

from confluent_kafka import Producer

from relearn.agents.kafka.config import idempotent_producer_config
from relearn.agents.stores.postgres import Pool
from relearn.schemas.messages.ingest import encode_record
from relearn.schemas.model.linear_svm import Floats
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name

SUBJECT = "background-"
QUANTILES = (0.5, 0.9, 0.99, 1.0)
# The broker's clock has a resolution of a millisecond.
_WAITS = """
SELECT EXISTS (
        SELECT FROM unnest($1::float8[], $2::float8[]) AS training (began, ended)
        WHERE ingested_at BETWEEN to_timestamp(began) AND to_timestamp(ended)
    ) AS training, count(*) AS records,
    percentile_cont($5::float8[]) WITHIN GROUP (ORDER BY extract(epoch FROM scored_at - ingested_at) * 1000) AS waits_ms
FROM predictions
WHERE starts_with(subject, $6) AND ingested_at BETWEEN to_timestamp($3) AND to_timestamp($4)
GROUP BY 1
"""


class Waits(NamedTuple):
    """The time from the broker to the score of a number of records, in ms, at each of QUANTILES."""

    records: int
    ms: tuple[float, ...]


class Background(threading.Thread):
    """Sends records at a steady rate until `stop`, each about another subject."""

    def __init__(self, settings: Settings, features: Floats, rate: int) -> None:
        super().__init__(name="background", daemon=True)
        self._settings = settings
        self._features = features
        self._rate = rate
        self._enough = threading.Event()

    def run(self) -> None:
        producer = Producer({**idempotent_producer_config(self._settings, "bench"), "linger.ms": 1})
        topic, began, sent = topic_name(self._settings.namespace, "ingest"), time.monotonic(), 0
        while not self._enough.wait(0.002):
            due = int(self._rate * (time.monotonic() - began))
            for i in range(sent, due):
                row = self._features[i % len(self._features)]
                producer.produce(topic, encode_record(row, subject=f"{SUBJECT}{i}"))
            sent = due
            producer.poll(0)
        producer.flush(30)

    def stop(self) -> None:
        """End it, once all that was sent is acknowledged."""
        self._enough.set()
        self.join()


async def scoring_waits(
    pool: Pool, trainings: Sequence[tuple[float, float]], began_s: float, ended_s: float
) -> dict[bool, Waits]:
    """How long the stream's records waited that came between two moments: while a training ran (True), and else.

    All times are seconds since 1970.
    """
    began, ended = [one[0] for one in trainings], [one[1] for one in trainings]
    rows = await pool.fetch(_WAITS, began, ended, began_s, ended_s, list(QUANTILES), SUBJECT)
    return {row["training"]: Waits(row["records"], tuple(row["waits_ms"])) for row in rows}
