"""Recent predictions without feedback: the candidates for the review queue.

Bounded: a walk along the primary key over at most DEPTH records, backwards from each partition's end.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from relearn.agents.learning.review_choice import Candidate, certainty
from relearn.agents.learning.training_set import example_key
from relearn.agents.stores.features.onto import Onto, read_onto_newest
from relearn.agents.stores.places import PLACE, place_of_row
from relearn.agents.stores.postgres import Pool, read_snapshot
from relearn.agents.stores.training.champion import CHAMPION_ACTIVATION, CHAMPION_VERSION
from relearn.schemas.features import StringOf, row_of, strings_by_code
from relearn.schemas.identity import Place, place_columns
from relearn.schemas.schema_versions import SchemaChain

#: Maximum number of records read in all partitions together, and of unreviewed ones kept, the newest.
DEPTH = 5000
POOL = 500
_LEAST_PER_PARTITION = 50

# Without features, which are most of a row: only the kept rows' features are read.
_RECENT = f"""
WITH newest AS (SELECT generation, kafka_partition, count(*) OVER () AS partitions FROM totals
    WHERE generation = (SELECT max(generation) FROM totals)
), recent AS MATERIALIZED (
    SELECT p.* FROM newest t CROSS JOIN LATERAL (
        SELECT {PLACE}, ingested_at FROM predictions
        WHERE generation = t.generation AND kafka_partition = t.kafka_partition
        ORDER BY kafka_offset DESC, record_index DESC LIMIT greatest($1::int, $2::int / t.partitions)
    ) p
)
"""  # noqa: S608 - nothing but names of our own
_UNREVIEWED = f"""
{_RECENT}, kept AS MATERIALIZED (
    SELECT * FROM recent WHERE NOT EXISTS (
        SELECT FROM corrections c WHERE (c.generation, c.kafka_partition, c.kafka_offset, c.record_index)
            = (recent.generation, recent.kafka_partition, recent.kafka_offset, recent.record_index)
    ) AND ({PLACE}) NOT IN (SELECT * FROM unnest($4::int[], $5::int[], $6::bigint[], $7::int[]))
    ORDER BY ingested_at DESC LIMIT $3
)
SELECT {PLACE}, p.subject, p.features, p.strings, p.schema, p.model, p.label, p.margins, p.confidence,
    coalesce(s.disagrees AND p.model = {CHAMPION_VERSION}, false) AS disagrees
FROM kept JOIN predictions p USING ({PLACE}, ingested_at)
LEFT JOIN (
    SELECT {PLACE}, ingested_at, disagrees FROM shadow_predictions
    WHERE model = (SELECT max(version) FROM models WHERE state = 'shadow')
) s USING ({PLACE}, ingested_at)
ORDER BY ingested_at DESC, kafka_partition, kafka_offset DESC, record_index DESC
"""  # noqa: S608 - the same
_SAID = f"""
{_RECENT} SELECT DISTINCT c.key FROM corrections c JOIN recent USING ({PLACE})
"""  # noqa: S608 - the same
_REACHED = f"""
{_RECENT} SELECT generation, kafka_partition, min(kafka_offset) FROM recent GROUP BY 1, 2
"""  # noqa: S608 - the same

_DRIFTED = f"SELECT drifted FROM drift WHERE activation = {CHAMPION_ACTIVATION}"  # noqa: S608 - the same


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """The end of the stream: the candidates, newest first, without the handled ones.

    `said`: keys of recent records that have feedback. `reached`: per generation and partition the lowest offset that
    was read; later reads never go below. `drifted`: features that differ from the champion's first records.
    `string_of`: the string of each code in the candidates' rows, which are of the newest version of the features: that
    of `chain`; None: they were never changed.
    """

    candidates: Sequence[Candidate]
    said: frozenset[str]
    reached: Mapping[tuple[int, int], int]
    drifted: Sequence[str] = ()
    string_of: StringOf = field(default_factory=dict)
    chain: SchemaChain | None = None


async def read_review_candidates(
    pool: Pool, handled: Collection[Place] = (), *, depth: int = DEPTH, size: int = POOL
) -> StreamEnd:
    """The newest `size` unreviewed predictions among the newest `depth`, without those `handled`.

    Raises:
        PostgresUnavailable: Retryable.
    """
    async with read_snapshot(pool) as connection:
        walk = _LEAST_PER_PARTITION, depth
        rows = await connection.fetch(_UNREVIEWED, *walk, size, *place_columns(handled))
        said = await connection.fetch(_SAID, *walk)
        reached = await connection.fetch(_REACHED, *walk)
        drifted = await connection.fetchval(_DRIFTED)
        onto = await read_onto_newest(connection)
    return StreamEnd(
        [_candidate(row, onto) for row in rows],
        frozenset(row["key"] for row in said),
        {(generation, partition): offset for generation, partition, offset in reached},
        drifted or (),
        {**strings_by_code(row["strings"] for row in rows), **({} if onto is None else onto.strings)},
        None if onto is None else onto.chain,
    )


def _candidate(row: Any, onto: Onto | None) -> Candidate:
    values = row_of(row["features"], row["strings"])
    key = example_key(row["subject"], values)
    if onto is not None:
        values = onto.row(values, row["schema"], row["model"])
    return Candidate(
        place_of_row(row),
        key,
        values,
        row["label"],
        certainty(row["confidence"], row["margins"]),
        row["disagrees"],
    )
