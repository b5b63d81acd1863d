"""Everything that a training works from, as it stood at one moment."""

from __future__ import annotations

from agents.learning.examples import Example, example_key
from agents.learning.reviews import Statement
from agents.learning.trial import Champion, Snapshot, Unreviewed
from agents.stores.postgres import ALONG_AN_INDEX, Connection, Pool, translated
from agents.stores.statements import all_statements
from schemas.errors import Refused
from schemas.identity import Place
from schemas.model import decode_model

#: Of the champion's records, at most so many of the latest are looked at; of more, silence says nothing.
UNREVIEWED_MAX = 20_000
_LEAST_PER_PARTITION = 200

_CHAMPION = """
SELECT version, body, cut, example_ids, correction_ids FROM models WHERE state = 'champion'
"""
_NEWEST = "SELECT version, state, set_digest, correction_ids FROM models ORDER BY version DESC LIMIT 1"
_KEYS = """
SELECT e.key FROM models m JOIN examples e ON e.id = ANY (m.example_ids) WHERE m.version = $1
UNION SELECT c.key FROM models m JOIN corrections c ON c.id = ANY (m.correction_ids) WHERE m.version = $1
UNION SELECT a.key FROM assumed a WHERE a.version = $1
"""
# Models follow one another along a partition's offsets: from its end backwards, a walk along the primary key.
_LATEST = """
SELECT t.kafka_partition, p.* FROM totals t CROSS JOIN LATERAL (
    SELECT kafka_offset, record_index, subject, features, label, model, ingested_at FROM predictions
    WHERE generation = t.generation AND kafka_partition = t.kafka_partition
    ORDER BY kafka_offset DESC, record_index DESC LIMIT $2
) p WHERE t.generation = $1
"""


async def read_snapshot(pool: Pool, *, ingest: str) -> Snapshot:
    """What is known now. `ingest`: the full name of the topic that predictions are of.

    Raises:
        PostgresUnavailable: ask again.
        Refused: no examples were ever loaded.
    """
    with translated():
        async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
            names = await connection.fetchval("SELECT names FROM feature_schema")
            if names is None:
                raise Refused("there are no examples to train on")
            statements = await all_statements(connection)
            champion = await _champion(connection)
            unreviewed = None
            if champion is not None and statements:
                unreviewed = await _unreviewed(connection, champion.model.version, ingest, statements)
            newest = await connection.fetchrow(_NEWEST)
            return Snapshot(
                tuple(names),
                await _bootstrap(connection),
                statements,
                max((one.id for one in statements), default=0),
                champion,
                unreviewed,
                None if newest is None else (newest["version"], newest["state"], newest["set_digest"]),
                frozenset() if newest is None else frozenset(newest["correction_ids"]),
            )


async def training_keys(connection: Connection, version: int) -> frozenset[str]:
    """The keys of everything that a model was trained on."""
    return frozenset(row["key"] for row in await connection.fetch(_KEYS, version))


async def _bootstrap(connection: Connection) -> list[tuple[float, Example]]:
    rows = await connection.fetch(
        "SELECT id, key, features, label, extract(epoch FROM added_at)::float8 AS at_s FROM examples ORDER BY id"
    )
    return [(row["at_s"], Example(row["id"], row["key"], row["features"], row["label"])) for row in rows]


async def _champion(connection: Connection) -> Champion | None:
    row = await connection.fetchrow(_CHAMPION)
    if row is None:
        return None
    version, body, cut, example_ids, correction_ids = row
    keys = await training_keys(connection, version)
    return Champion(decode_model(body), cut, frozenset(example_ids), frozenset(correction_ids), keys)


async def _unreviewed(connection: Connection, version: int, ingest: str, statements: list[Statement]) -> Unreviewed:
    """The champion's latest records that nobody has said anything of."""
    generation = await connection.fetchval("SELECT max(generation) FROM topics WHERE name = $1", ingest)
    if generation is None:
        return Unreviewed([], complete=True)
    partitions = await connection.fetchval("SELECT count(*) FROM totals WHERE generation = $1", generation)
    each = max(_LEAST_PER_PARTITION, UNREVIEWED_MAX // max(1, partitions))
    await connection.execute(ALONG_AN_INDEX)
    rows = await connection.fetch(_LATEST, generation, each)
    said = {one.place for one in statements}
    count: dict[int, int] = {}
    found, complete = [], True
    for row in rows:
        partition = row["kafka_partition"]
        count[partition] = count.get(partition, 0) + 1
        if row["model"] != version:
            continue
        complete = complete and count[partition] < each
        place = Place(generation, partition, row["kafka_offset"], row["record_index"])
        if place not in said:
            key = example_key(row["subject"], row["features"])
            found.append(Example(str(place), key, row["features"], row["label"], "assumed"))
    return Unreviewed(found, complete)
