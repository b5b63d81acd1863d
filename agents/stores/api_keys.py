"""The `api_keys` table: keys of the HTTP API, created and revoked by `relearn key`, read by every API process."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from relearn.agents.stores.postgres import Pool, postgres_errors
from relearn.schemas.api_keys import KeyProof, usable_name
from relearn.schemas.errors import Refused
from relearn.schemas.http.operation import Role

_CREATE = """
INSERT INTO api_keys (id, name, role, hash) VALUES ($1, $2, $3, $4)
ON CONFLICT (name) WHERE revoked_at IS NULL DO NOTHING RETURNING *
"""
_LIST = "SELECT * FROM api_keys ORDER BY created_at DESC, id"
_REVOKE = """
UPDATE api_keys SET revoked_at = now() WHERE revoked_at IS NULL AND (id = $1 OR name = $1) RETURNING *
"""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key, valid unless `revoked_at` is set. `hash` is the SHA-256 of its text."""

    id: str
    name: str
    role: Role
    hash: bytes = field(repr=False)
    created_at: datetime
    revoked_at: datetime | None


def key_fields(key: ApiKey) -> dict[str, Any]:
    """A key as JSON values, without its hash."""
    told = asdict(key)
    del told["hash"]
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in told.items()}


async def create_key(pool: Pool, name: str, role: Role, proof: KeyProof) -> ApiKey:
    """Insert a new key.

    Raises:
        Refused: the name isn't allowed, or a valid key has it.
        PostgresUnavailable, SetupError: see `postgres_errors`.
    """
    if not usable_name(name):
        raise Refused(f"{name!r} can't be a key's name: 1 to 100 printable bytes, unlike a key's id")
    with postgres_errors():
        row = await pool.fetchrow(_CREATE, proof.id, name, role, proof.hash)
    if row is None:
        raise Refused(f"there is a key named {name!r} already: `relearn key revoke` ends it")
    return ApiKey(**row)


async def list_keys(pool: Pool) -> list[ApiKey]:
    """All keys, revoked ones too, the newest first.

    Raises:
        PostgresUnavailable, SetupError: see `postgres_errors`.
    """
    with postgres_errors():
        return [ApiKey(**row) for row in await pool.fetch(_LIST)]


async def revoke_key(pool: Pool, name_or_id: str) -> ApiKey | None:
    """Revoke a valid key; None: there is no valid key of that name or id.

    Raises:
        PostgresUnavailable, SetupError: see `postgres_errors`.
    """
    with postgres_errors():
        row = await pool.fetchrow(_REVOKE, name_or_id)
    return None if row is None else ApiKey(**row)
