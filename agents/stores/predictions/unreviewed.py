"""The champion's latest records without feedback. They are many, and read only where a verdict depends on them."""

from __future__ import annotations

from relearn.agents.learning.snapshot import Unreviewed
from relearn.agents.learning.training_set import Example, example_key
from relearn.agents.stores.features.onto import Onto, read_onto_newest
from relearn.agents.stores.postgres import Connection, Pool, force_index_scans, read_snapshot
from relearn.schemas.features import row_of, strings_by_code
from relearn.schemas.identity import Place

#: Maximum number of the stream's latest records that are read. The champion may have more.
UNREVIEWED_MAX = 20_000
_LEAST_PER_PARTITION = 200

# Models follow one another along a partition's offsets, so the query walks the primary key backwards from its end. It
# reads features only of the champion's rows.
_OF_A_PARTITION = """
    SELECT kafka_offset, record_index, subject, features, strings, label, model, schema FROM predictions
    WHERE generation = t.generation AND kafka_partition = t.kafka_partition
    ORDER BY kafka_offset DESC, record_index DESC
"""
_LATEST = f"""
SELECT t.kafka_partition, p.* FROM totals t CROSS JOIN LATERAL ({_OF_A_PARTITION} LIMIT $2) p
WHERE t.generation = $1 AND p.model = $3
"""  # noqa: S608 - nothing but names of our own
# If the last row that is read is the champion's, the champion may have more rows.
_MORE = f"""
SELECT coalesce(bool_or(p.model = $3), false) FROM totals t
CROSS JOIN LATERAL ({_OF_A_PARTITION} OFFSET $2::bigint - 1 LIMIT 1) p WHERE t.generation = $1
"""  # noqa: S608 - the same
_SAID = """
SELECT DISTINCT kafka_partition, kafka_offset, record_index FROM corrections WHERE generation = $1 AND model = $2
"""


async def read_unreviewed(
    pool: Pool, version: int, *, ingest: str, schema: int | None = None, all_or_none: bool = False
) -> Unreviewed:
    """Of model `version`, as it stands now. `ingest`: the full name of the topic that predictions are of.

    `schema`: the version of the features that they are returned in; None: the newest. `all_or_none`: no examples where
    they aren't all there are.

    Raises:
        PostgresUnavailable: Retryable.
    """
    async with read_snapshot(pool) as connection:
        generation = await connection.fetchval("SELECT max(generation) FROM topics WHERE name = $1", ingest)
        if generation is None:
            return Unreviewed([], complete=True)
        onto = await read_onto_newest(connection, schema)
        return await _unreviewed(connection, version, generation, all_or_none, onto)


async def _unreviewed(
    connection: Connection, version: int, generation: int, all_or_none: bool, onto: Onto | None
) -> Unreviewed:
    said = {Place(generation, *row) for row in await connection.fetch(_SAID, generation, version)}
    partitions = await connection.fetchval("SELECT count(*) FROM totals WHERE generation = $1", generation)
    each = max(_LEAST_PER_PARTITION, UNREVIEWED_MAX // max(1, partitions))
    await force_index_scans(connection)
    complete = not await connection.fetchval(_MORE, generation, each, version)
    if all_or_none and not complete:
        return Unreviewed([], complete=False)
    found, string_of = list[Example](), dict[float, str](() if onto is None else onto.strings)
    for row in await connection.fetch(_LATEST, generation, each, version):
        place = Place(generation, row["kafka_partition"], row["kafka_offset"], row["record_index"])
        if place not in said:
            features, strings = row["features"], row["strings"]
            string_of.update(strings_by_code([strings]))
            values = row_of(features, strings)
            key = example_key(row["subject"], values)
            if onto is not None:
                values = onto.row(values, row["schema"], version)
            found.append(Example(str(place), key, values, row["label"], "assumed"))
    return Unreviewed(found, complete, string_of)
