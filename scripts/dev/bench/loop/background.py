"""A steady stream of other records beside the rounds, and how soon they were scored while a model was trained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import NamedTuple

from relearn.agents.kafka.producer import OutgoingMessage
from relearn.agents.stores.postgres import Pool
from relearn.schemas.messages.ingest import CE_TYPE_ONE, encode_record
from relearn.schemas.model.linear_svm import Floats
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name
from relearn.scripts.client.producer import Sender
from relearn.scripts.data.paced_stream import PacedStream

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


def background(settings: Settings, features: Floats) -> PacedStream:
    """Records in turn, each about another subject."""
    topic, source = topic_name(settings.namespace, "ingest"), f"/{settings.namespace}/bench"
    return PacedStream(Sender(settings, topic, source=source), _records(features), name="background")


def _records(features: Floats) -> Iterator[OutgoingMessage]:
    for i in count():
        subject = f"{SUBJECT}{i}"
        value = encode_record(features[i % len(features)], subject=subject)
        yield OutgoingMessage(value, CE_TYPE_ONE, event_id=subject)


async def scoring_waits(
    pool: Pool, trainings: Sequence[tuple[float, float]], began_s: float, ended_s: float
) -> dict[bool, Waits]:
    """How long the stream's records waited that came between two moments: while a training ran (True), and else.

    All times are seconds since 1970.
    """
    began, ended = [one[0] for one in trainings], [one[1] for one in trainings]
    rows = await pool.fetch(_WAITS, began, ended, began_s, ended_s, list(QUANTILES), SUBJECT)
    return {row["training"]: Waits(row["records"], tuple(row["waits_ms"])) for row in rows}
