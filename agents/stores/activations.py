"""Activations in Postgres: the truth about which model answers. Kafka is told what stands here, as often as it takes.

An activation and its signed message are written in one transaction, so that what is published is always the same bytes.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgpack

from agents.stores.models import State
from agents.stores.postgres import Connection, Pool, translated
from schemas.errors import Refused
from schemas.model import decode_model
from schemas.signing import Signer
from schemas.updates import Update, encode_update

# A number above every one given before, here or (after Postgres came back from an older copy) on the topic.
_NEXT = """
SELECT setval(s::regclass, greatest(nextval(s::regclass), $1::int + 1))
FROM pg_get_serial_sequence('activations', 'activation') AS s
"""
_INSERT = """
INSERT INTO activations (activation, role, version, job, by, reason, message) OVERRIDING SYSTEM VALUE
VALUES ($1, 'champion', $2, $3, $4, $5, $6)
"""
_NEWEST = """
SELECT activation, version, message, published_at IS NOT NULL AS published FROM activations
WHERE role = 'champion' ORDER BY activation DESC LIMIT 1
"""
# The champion before this one. What was rolled back is no candidate.
_FORMER = """
SELECT a.version FROM activations a JOIN models m USING (version)
WHERE a.role = 'champion' AND m.state = 'former' ORDER BY a.activation DESC LIMIT 1
"""


class Grounds(NamedTuple):
    """Why an activation is made: by which job, for whom, with which facts."""

    job: str
    by: str | None
    reason: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Seal:
    """What makes a message ours: the namespace that it is for, and the key that signs it."""

    namespace: str
    signer: Signer


class Activation(NamedTuple):
    """A champion's activation, and the signed message that tells it."""

    activation: int
    version: int
    message: bytes
    published: bool


async def activate(
    connection: Connection, version: int, grounds: Grounds, seal: Seal, *, above: int = 0, leaves: State = "former"
) -> int:
    """Make `version` the champion, inside the caller's transaction; the number of the activation, larger than `above`.

    `leaves` is the state in which the champion until now is left.

    Raises:
        Refused: there is no such model, or it is the champion already.
    """
    await connection.execute("LOCK TABLE activations IN SHARE ROW EXCLUSIVE MODE")
    row = await connection.fetchrow("SELECT state, body FROM models WHERE version = $1", version)
    if row is None:
        raise Refused(f"there is no model {version}")
    if row["state"] == "champion":
        raise Refused(f"model {version} is the champion already")
    await connection.execute("UPDATE models SET state = $1 WHERE state = 'champion'", leaves)
    await connection.execute("UPDATE models SET state = 'champion' WHERE version = $1", version)
    return await _write(connection, row["body"], version, grounds, seal, above=above)


async def former_champion(connection: Connection) -> int:
    """The version that a rollback returns to.

    Raises:
        Refused: there is none.
    """
    version = await connection.fetchval(_FORMER)
    if version is None:
        raise Refused("there is no former champion to return to")
    return int(version)


async def newest_activation(pool: Pool) -> Activation | None:
    """What the topic should say last."""
    with translated():
        row = await pool.fetchrow(_NEWEST)
    return None if row is None else Activation(*row)


async def mark_published(pool: Pool, activation: int) -> None:
    """Note when the broker first acknowledged an activation."""
    with translated():
        await pool.execute(
            "UPDATE activations SET published_at = now() WHERE activation = $1 AND published_at IS NULL", activation
        )


async def renew(pool: Pool, newest: Activation, seal: Seal, *, above: int) -> Activation:
    """`newest` again under a number larger than `above`, signed with the key of today.

    For when the topic holds a higher number than Postgres, and when the key was changed: then nobody who trusts only
    the new key could read the old message.
    """
    with translated():
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("LOCK TABLE activations IN SHARE ROW EXCLUSIVE MODE")
            row = await connection.fetchrow(
                "SELECT m.body, a.job, a.by, a.reason FROM activations a JOIN models m USING (version)"
                " WHERE a.activation = $1",
                newest.activation,
            )
            grounds = Grounds(row["job"], row["by"], row["reason"])
            await _write(connection, row["body"], newest.version, grounds, seal, above=above)
    found = await newest_activation(pool)
    if found is None:
        raise RuntimeError("an activation vanished")
    return found


def signed_by(message: bytes) -> str:
    """The id of the key that signed a stored message."""
    return str(msgpack.unpackb(message)["key_id"])


async def _write(connection: Connection, body: bytes, version: int, grounds: Grounds, seal: Seal, *, above: int) -> int:
    number = int(await connection.fetchval(_NEXT, above))
    job, by, reason = grounds
    update = Update(seal.namespace, "champion", number, decode_model(body), job, reason, time.time())
    await connection.execute(_INSERT, number, version, job, by, dict(reason), encode_update(update, seal.signer))
    return number
