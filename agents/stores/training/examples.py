"""The `examples` table: labelled records. Loading is idempotent; the first load fixes the namespace's features."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from relearn.agents.learning.training_set import example_key
from relearn.agents.stores.postgres import Connection, Pool, postgres_errors
from relearn.schemas.errors import BadMessage, Refused
from relearn.schemas.labels import read_label
from relearn.schemas.model.linear_svm import Floats
from relearn.schemas.text import text_fault

_STAGE = """
CREATE TEMP TABLE loading (place int, key text, subject text, features float8[], label text) ON COMMIT DROP
"""
# The latest row of each key in the file, unless the stored example is equal.
_ADD = """
INSERT INTO examples (key, subject, features, label, source)
SELECT l.key, l.subject, l.features, l.label, $1
FROM (SELECT DISTINCT ON (key) * FROM loading ORDER BY key, place DESC) AS l
LEFT JOIN LATERAL (SELECT label, features FROM examples e WHERE e.key = l.key ORDER BY id DESC LIMIT 1) AS known ON true
WHERE known.label IS DISTINCT FROM l.label OR known.features IS DISTINCT FROM l.features
ORDER BY l.place
"""


async def load_examples(
    pool: Pool,
    *,
    feature_names: Sequence[str],
    features: Floats,
    labels: Sequence[str],
    subjects: Sequence[str | None],
    source: str,
) -> int:
    """Insert labelled records, all or none; the number of new rows. features: (n, d), finite. Safe to repeat.

    The first load of all fixes the namespace's features, names and order.

    Raises:
        PostgresUnavailable: nothing was added.
        Refused: the namespace has other features, or a name, label or value can't be stored.
    """
    _check(feature_names, features, labels)
    rows = [
        (place, example_key(subject, row), subject, row.tolist(), label)
        for place, (subject, row, label) in enumerate(zip(subjects, features, labels, strict=True))
    ]
    with postgres_errors():
        async with pool.acquire() as connection, connection.transaction():
            # One load at a time, so that two of the same file add its rows once.
            await connection.execute("LOCK TABLE examples IN SHARE ROW EXCLUSIVE MODE")
            await _fix_features(connection, feature_names)
            await connection.execute(_STAGE)
            await connection.copy_records_to_table("loading", records=rows)
            status: str = await connection.execute(_ADD, source)
    return int(status.rsplit(maxsplit=1)[-1])


async def read_features(pool: Pool) -> tuple[str, ...] | None:
    """The namespace's feature names in order; None before its first load."""
    with postgres_errors():
        names = await pool.fetchval("SELECT names FROM feature_schema")
    return None if names is None else tuple(names)


async def _fix_features(connection: Connection, feature_names: Sequence[str]) -> None:
    await connection.execute(
        "INSERT INTO feature_schema (names) VALUES ($1) ON CONFLICT DO NOTHING", list(feature_names)
    )
    names = await connection.fetchval("SELECT names FROM feature_schema")
    if list(names) != list(feature_names):
        raise Refused(
            f"this namespace's records have other features: {_shown(names)}; these have {_shown(feature_names)}. "
            "Use another namespace for them (RELEARN_NAMESPACE)"
        )


def _shown(names: Sequence[str]) -> str:
    return f"{len(names)} ({', '.join(names[:3])}{', …' if len(names) > 3 else ''})"


def _check(feature_names: Sequence[str], features: Floats, labels: Sequence[str]) -> None:
    for name in feature_names:
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
    if len(set(feature_names)) != len(feature_names):
        raise Refused("two features have the same name")
    if not np.isfinite(features).all():
        raise Refused("an example has a value that isn't a finite number")
