"""The `activations` table: the truth about which model answers. Its rows are published to Kafka until acknowledged.

An activation and its signed message are written in one transaction, so that every publication of an activation has the
same bytes. Champions and shadows share one sequence of numbers; the topic keeps the newest message of each under its
own key.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgpack

from relearn.agents.stores.postgres import Connection, Pool, postgres_errors
from relearn.agents.stores.training.models import LOST, State
from relearn.schemas.errors import Refused
from relearn.schemas.model.linear_svm import decode_model
from relearn.schemas.model.signatures import Signer
from relearn.schemas.model.signed_updates import Key, Role, Update, encode_update, update_message_bytes
from relearn.schemas.topics import PRODUCED_MAX_BYTES

# A number above all numbers given before, here or (after a restore of an older Postgres backup) on the topic.
_NEXT = """
SELECT setval(s::regclass, greatest(nextval(s::regclass), $1::int + 1))
FROM pg_get_serial_sequence('activations', 'activation') AS s
"""
_STATE = """
SELECT state, schema >= coalesce((SELECT max(base) FROM feature_schema), schema) AS fits FROM models WHERE version = $1
"""
_INSERT = """
INSERT INTO activations (activation, role, version, job, by, reason, message) OVERRIDING SYSTEM VALUE
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
_NEWEST = """
SELECT DISTINCT ON (role = 'champion') CASE role WHEN 'champion' THEN 'champion' ELSE 'shadow' END, activation, role,
    version, message, published_at IS NOT NULL
FROM activations ORDER BY role = 'champion', activation DESC
"""
# The champion before the current one. Rolled-back models, and those of other features, are excluded.
_FORMER = """
SELECT a.version FROM activations a JOIN models m USING (version)
WHERE a.role = 'champion' AND m.state = 'former' AND m.schema >= (SELECT max(base) FROM feature_schema)
ORDER BY a.activation DESC LIMIT 1
"""

_BODY = """
SELECT body, schema, (SELECT base FROM feature_schema WHERE number = m.schema) AS base FROM models m WHERE version = $1
"""


class ActivationCause(NamedTuple):
    """The cause of an activation: the job, the user that requested it, and the facts."""

    job: str
    by: str | None
    reason: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SigningContext:
    """The namespace that messages are for, the key that signs them, and the largest that `model-updates` takes."""

    namespace: str
    signer: Signer
    max_bytes: int = PRODUCED_MAX_BYTES


class Activation(NamedTuple):
    """An activation and its signed message. `version` is None for role `none`: no shadow."""

    key: Key
    activation: int
    role: Role
    version: int | None
    message: bytes
    published: bool


async def activate(
    connection: Connection,
    version: int,
    cause: ActivationCause,
    signing: SigningContext,
    *,
    above: int = 0,
    leaves: State = "former",
    force: bool = False,
) -> int:
    """Make `version` the champion, inside the caller's transaction; the number of the activation, larger than `above`.

    `leaves` is the new state of the previous champion. `force`: also if the model was rejected or rolled back.

    Raises:
        Refused: there is no such model, it has other features than the namespace, it is the champion already, it needs
            `force`, or its message is too large. The caller rolls the transaction back.
    """
    await _lock(connection)
    row = await connection.fetchrow(_STATE, version)
    if row is None:
        raise Refused(f"there is no model {version}")
    if not row["fits"]:
        raise Refused(f"model {version} has other features than the namespace has now")
    if row["state"] == "champion":
        raise Refused(f"model {version} is the champion already")
    if row["state"] in LOST and not force:
        was = "rolled back" if row["state"] == "rolled-back" else "rejected"
        raise Refused(f"model {version} was {was}; `--force` (in the API `?force=true`) activates it all the same")
    await connection.execute("UPDATE models SET state = $1 WHERE state = 'champion'", leaves)
    await connection.execute("UPDATE models SET state = 'champion' WHERE version = $1", version)
    return await _write(connection, "champion", version, cause, signing, above=above)


async def begin_shadowing(
    connection: Connection, version: int, cause: ActivationCause, signing: SigningContext, *, above: int
) -> int:
    """Make `version` the shadow, inside the caller's transaction; the number of the activation.

    Raises:
        Refused: its message is too large. The caller rolls the transaction back.
    """
    await _lock(connection)
    return await _write(connection, "shadow", version, cause, signing, above=above)


async def end_shadowing(connection: Connection, cause: ActivationCause, signing: SigningContext, *, above: int) -> int:
    """End the shadow, inside the caller's transaction; the number of the activation."""
    await _lock(connection)
    return await _write(connection, "none", None, cause, signing, above=above)


async def former_champion(connection: Connection) -> int:
    """The version that a rollback activates.

    Raises:
        Refused: there is none.
    """
    version = await connection.fetchval(_FORMER)
    if version is None:
        raise Refused("there is no former champion to return to")
    return int(version)


async def newest_activations(pool: Pool) -> list[Activation]:
    """The newest activation under each key of the topic; lower numbers first."""
    with postgres_errors():
        rows = await pool.fetch(_NEWEST)
    return sorted((Activation(*row) for row in rows), key=lambda one: one.activation)


async def mark_published(pool: Pool, activation: int) -> None:
    """Set the time at which the broker first acknowledged an activation."""
    with postgres_errors():
        await pool.execute(
            "UPDATE activations SET published_at = now() WHERE activation = $1 AND published_at IS NULL", activation
        )


async def renew(pool: Pool, newest: Activation, signing: SigningContext, *, above: int) -> Activation:
    """`newest` again under a number larger than `above`, signed with the key of today.

    Refused if its message is too large for the topic.

    Used when the topic holds a higher number than Postgres, and when the signing key was changed: a process that trusts
    only the new key refuses the old message.
    """
    with postgres_errors():
        async with pool.acquire() as connection, connection.transaction():
            await _lock(connection)
            row = await connection.fetchrow(
                "SELECT job, by, reason FROM activations WHERE activation = $1", newest.activation
            )
            cause = ActivationCause(row["job"], row["by"], row["reason"])
            await _write(connection, newest.role, newest.version, cause, signing, above=above)
    found = [one for one in await newest_activations(pool) if one.key == newest.key]
    if not found:
        raise RuntimeError("an activation vanished")
    return found[0]


def signed_by(message: bytes) -> str:
    """The id of the key that signed a stored message."""
    return str(msgpack.unpackb(message)["key_id"])


async def _lock(connection: Connection) -> None:
    await connection.execute("LOCK TABLE activations IN SHARE ROW EXCLUSIVE MODE")


async def _write(
    connection: Connection,
    role: Role,
    version: int | None,
    cause: ActivationCause,
    signing: SigningContext,
    *,
    above: int,
) -> int:
    number = int(await connection.fetchval(_NEXT, above))
    row = await connection.fetchrow(_BODY, version)
    model, *versions = (None, 1, None) if row is None else (decode_model(row["body"]), row["schema"], row["base"])
    job, by, reason = cause
    update = Update(signing.namespace, role, number, model, job, reason, time.time(), *versions)
    message = encode_update(update, signing.signer)
    size = update_message_bytes(message)
    if size > signing.max_bytes:
        raise Refused(
            f"the message with model {version} takes {size:,} bytes; topic `model-updates` takes at most "
            f"{signing.max_bytes:,}: use fewer features or classes, or raise the topic's max.message.bytes"
        )
    await connection.execute(_INSERT, number, role, version, job, by, dict(reason), message)
    return number
