"""The `imports` table: converted models of others, from the command that reads the file to the job that judges it."""

from __future__ import annotations

from typing import NamedTuple

from relearn.agents.stores.postgres import Pool, postgres_errors, read_snapshot
from relearn.agents.stores.training.champion import champion_version
from relearn.agents.stores.training.examples import fix_features, read_schema
from relearn.agents.stores.training.models import load_model
from relearn.schemas.features import FeatureSchema
from relearn.schemas.model.linear_svm import Model, decode_model, encode_model

#: What stays for commands that no worker has read yet.
_TIDY = """
DELETE FROM imports i WHERE at < now() - interval '1 day'
AND NOT EXISTS (SELECT FROM jobs WHERE id = i.job AND state IN ('queued', 'running'))
"""
_EXAMPLES = "SELECT EXISTS (SELECT FROM examples WHERE NOT withdrawn)"
_WITHDRAWN = "SELECT DISTINCT label FROM examples WHERE withdrawn"


class ImportTarget(NamedTuple):
    """What an imported model has to fit.

    schema: the namespace's features; None: it has none, or neither examples nor a champion, and takes those of the
    file. classes: what the champion answers, without labels that were withdrawn.
    """

    schema: FeatureSchema | None
    classes: tuple[str, ...] = ()


async def read_import_target(pool: Pool) -> ImportTarget:
    """What a model has to fit now.

    Raises:
        PostgresUnavailable: Retryable.
    """
    async with read_snapshot(pool) as connection:
        schema, version = await read_schema(connection), await champion_version(connection)
        if version is None:
            return ImportTarget(schema if await connection.fetchval(_EXAMPLES) else None)
        model = await load_model(connection, version)
        withdrawn = {row["label"] for row in await connection.fetch(_WITHDRAWN)}
        classes = () if model is None else model.classes
        return ImportTarget(schema, tuple(one for one in classes if one not in withdrawn))


async def store_import(pool: Pool, job: str, model: Model) -> None:
    """Store a converted model for the job with this id; a namespace without features gets those of the model.

    Raises:
        PostgresUnavailable: Retryable.
        Refused: the namespace has other features now.
    """
    with postgres_errors():
        async with pool.acquire() as connection, connection.transaction():
            await fix_features(connection, model.schema)
            await connection.execute(_TIDY)
            await connection.execute("INSERT INTO imports (job, body) VALUES ($1, $2)", job, encode_model(model))


async def read_import(pool: Pool, job: str) -> Model | None:
    """The converted model of a job; None: it isn't there.

    Raises:
        BadModel: the stored body can't be read.
        PostgresUnavailable: Retryable.
    """
    with postgres_errors():
        body = await pool.fetchval("SELECT body FROM imports WHERE job = $1", job)
    return None if body is None else decode_model(body)
