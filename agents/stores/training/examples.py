"""The `examples` table: labelled records. Loading is idempotent; the first load fixes the namespace's features.

Withdrawing: `loads`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from relearn.agents.learning.training_set import example_key
from relearn.agents.learning.usable_rows import LARGEST, is_moderate
from relearn.agents.stores.features.versions import LOCK_FEATURES, columns_of, read_chain
from relearn.agents.stores.postgres import Connection, Pool, postgres_errors
from relearn.schemas.errors import BadMessage, Refused
from relearn.schemas.features import FeatureSchema, Strings, limit_bytes, same_kinds
from relearn.schemas.labels import read_label
from relearn.schemas.model.linear_svm import Floats
from relearn.schemas.text import first_few, text_fault

_STAGE = """
CREATE TEMP TABLE loading (place int, key text, subject text, features float8[], strings text[], label text)
ON COMMIT DROP
"""
_LOAD = "INSERT INTO loads (source, by, rows, added) VALUES ($1, $2, $3, 0) RETURNING id"
# The latest row of each key in the file, and the stored example of that key that counts.
_MATCH = """
CREATE TEMP TABLE matched ON COMMIT DROP AS
SELECT l.*, known.id AS known,
    known.label IS NOT DISTINCT FROM l.label AND known.features IS NOT DISTINCT FROM l.features
        AND known.strings IS NOT DISTINCT FROM l.strings AND known.schema = $1 AS equal
FROM (SELECT DISTINCT ON (key) * FROM loading ORDER BY key, place DESC) AS l
LEFT JOIN LATERAL (
    SELECT id, label, features, strings, coalesce(schema, $2) AS schema FROM examples e
    WHERE e.key = l.key AND NOT withdrawn ORDER BY id DESC LIMIT 1
) AS known ON true
"""
_ADD = """
INSERT INTO examples (key, subject, features, strings, label, source, loads, schema)
SELECT key, subject, features, strings, label, $1, ARRAY[$2::bigint], $3 FROM matched WHERE NOT equal ORDER BY place
"""
# An equal example has this load too; the loads of the same source before it are replaced, so that the list stays short.
_KEEP = """
UPDATE examples e SET loads = (
    SELECT coalesce(array_agg(l.id), '{}') FROM loads l
    WHERE l.id = ANY (e.loads) AND l.withdrawn_at IS NULL AND l.source <> $1
) || $2::bigint
FROM matched WHERE matched.equal AND e.id = matched.known
"""
# A chain of its own. Version 1 is the first of all.
_REPLACE = """
INSERT INTO feature_schema (number, base, names, kinds, gaps)
SELECT coalesce(max(number), 0) + 1, coalesce(max(number), 0) + 1, $1, $2, $3 FROM feature_schema
"""
_WIDEN = "UPDATE feature_schema SET names = $2, kinds = $3, gaps = $4 WHERE number = $1"
_ADDED = "UPDATE loads SET added = $2 WHERE id = $1"
_LOCK = "LOCK TABLE examples IN SHARE ROW EXCLUSIVE MODE"


async def load_examples(
    pool: Pool,
    *,
    schema: FeatureSchema,
    features: Floats,
    labels: Sequence[str],
    strings: Sequence[Strings] = (),
    subjects: Sequence[str | None],
    source: str,
    by: str | None = None,
) -> int:
    """Insert labelled records, all or none; the number of new rows. features: (n, d), rows of `schema`. Safe to repeat.

    strings: the categories of each record; empty where the schema has none.

    `source`: the file's or data set's name; repeats count once whatever it is. The first load of all fixes the
    namespace's features, names, kinds and order, and so does the first after all examples were withdrawn. Later ones
    have the features of any version since. Until a feature is added or retired, one of which a value is missing may be
    missing from then on.

    Raises:
        PostgresUnavailable: nothing was added.
        Refused: the namespace has other features, or a name, label or value can't be stored.
    """
    _check(schema, features, labels)
    _check_strings(schema, strings)
    n_numbers = len(schema.numbers)
    all_strings: Sequence[Strings | None] = strings or [None] * len(labels)
    rows = [
        (place, example_key(subject, row), subject, row[:n_numbers].tolist(), its, label)
        for place, (subject, row, its, label) in enumerate(zip(subjects, features, all_strings, labels, strict=True))
    ]
    with postgres_errors():
        async with pool.acquire() as connection, connection.transaction():
            # One load at a time, so that two of the same file add its rows once.
            await connection.execute(_LOCK)
            number, base = await fix_features(connection, schema)
            await connection.execute(_STAGE)
            await connection.copy_records_to_table("loading", records=rows)
            await connection.execute(_MATCH, number, base)
            load = await connection.fetchval(_LOAD, source, by, len(rows))
            await connection.execute(_KEEP, source, load)
            added = int((await connection.execute(_ADD, source, load, number)).rsplit(maxsplit=1)[-1])
            await connection.execute(_ADDED, load, added)
    return added


async def read_schema(connection: Connection | Pool) -> FeatureSchema | None:
    """The namespace's features; None before its first load.

    Raises:
        PostgresUnavailable: Retryable.
    """
    found = await read_numbered_schema(connection)
    return None if found is None else found[1]


async def has_examples(pool: Pool) -> bool:
    """Whether there are examples that weren't withdrawn. Without any the next load decides on the features.

    Raises:
        PostgresUnavailable: Retryable.
    """
    with postgres_errors():
        return bool(await pool.fetchval("SELECT EXISTS (SELECT FROM examples WHERE NOT withdrawn)"))


async def read_numbered_schema(connection: Connection | Pool) -> tuple[int, FeatureSchema] | None:
    """As `read_schema`, with the schema's number, which rises when the features are replaced."""
    chain = await read_chain(connection)
    return None if chain is None else chain.newest[:2]


async def feature_widths(pool: Pool) -> frozenset[int] | None:
    """The numbers of features that records of the namespace have, or had before; None before the first load.

    Raises:
        PostgresUnavailable: Retryable.
    """
    with postgres_errors():
        rows = await pool.fetch("SELECT widths || cardinality(names) AS widths FROM feature_schema")
    return frozenset(width for row in rows for width in row["widths"]) if rows else None


async def fix_features(connection: Connection, schema: FeatureSchema) -> tuple[int, int]:
    """Make these the namespace's features if it has none, or no example; inside the caller's transaction.

    Returns the version of the namespace's features that `schema` is, and the first one of its chain.

    Raises:
        Refused: it has others.
    """
    # One change of the features at a time.
    await connection.execute(LOCK_FEATURES)
    chain = await read_chain(connection)
    if chain is None:
        await connection.execute(_REPLACE, *columns_of(schema))
        return 1, 1
    known = next((one for one in reversed(chain.versions) if same_kinds(one.schema, schema)), None)
    if known is not None:
        number, before, _ = known
        pairs = zip(before.features, schema.features, strict=True)
        both = FeatureSchema(tuple(one._replace(missing=one.missing or other.missing) for one, other in pairs))
        if both != before and not chain.changed:
            await connection.execute(_WIDEN, number, *columns_of(both))
        elif both != before:
            gaps = [one.name for one, other in zip(both.features, before.features, strict=True) if one != other]
            raise Refused(
                f"{first_few(gaps)}: a value is missing, and version {number} of the features has none that may be: "
                "fill it, or leave the row out"
            )
        return number, chain.base
    if await connection.fetchval("SELECT true FROM examples WHERE NOT withdrawn LIMIT 1"):
        newest = chain.newest.schema
        raise Refused(
            f"this namespace's records have other features: {_shown(newest, schema)}; "
            f"these have {_shown(schema, newest)}. "
            "Add or retire features (`relearn schema`), use another namespace for them (RELEARN_NAMESPACE), or "
            "withdraw all examples first (`relearn examples withdraw`)"
        )
    await connection.execute(_REPLACE, *columns_of(schema))
    number = await connection.fetchval("SELECT max(number) FROM feature_schema")
    return number, number


def _shown(schema: FeatureSchema, other: FeatureSchema) -> str:
    """The number of features, and the first of those that the other one hasn't, if there are such."""
    beside = {one[:2] for one in other.features}
    features = [one for one in schema.features if one[:2] not in beside] or list(schema.features)
    names = [one.name if one.kind == "number" else f"{one.name}: {one.kind}" for one in features]
    return f"{len(schema)} ({', '.join(names[:3])}{', …' if len(names) > 3 else ''})"


def _check_strings(schema: FeatureSchema, strings: Sequence[Strings]) -> None:
    for row, levels in enumerate(strings):
        for place, level in zip(schema.strings, levels, strict=True):
            if fault := text_fault(level, limit_bytes(schema.features[place])):
                raise Refused(f"row {row + 1}: the value of {schema.names[place]!r} {fault}")


def _check(schema: FeatureSchema, features: Floats, labels: Sequence[str]) -> None:
    for name in schema.names:
        fault = "is empty" if name == "" else text_fault(name)
        if fault:
            raise Refused(f"the feature name {name[:40]!r} {fault}")
    for label in sorted(set(labels)):
        try:
            read = read_label(label)
        except BadMessage as exc:
            raise Refused(f"{label[:40]!r}: {exc.detail}") from exc
        if read != label:
            raise Refused(f"the label {label[:40]!a} is written {read[:40]!a}: read it with `read_label` first")
    if len(schema.known) != len(schema):
        raise Refused("two features have the same name")
    if not (np.isfinite(features) | (np.isnan(features) & schema.gaps)).all():
        raise Refused("an example has a value that isn't a finite number")
    if not (moderate := is_moderate(features, schema.gaps)).all():
        row = int(np.flatnonzero(~moderate)[0])
        column = int(np.nanargmax(np.abs(features[row])))
        raise Refused(
            f"overflow: row {row + 1} has {features[row, column]:g} as {schema.row_names[column]!r}; training can't use"
            f" values above {LARGEST:g}"
        )
