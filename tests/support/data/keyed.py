"""API keys for tests, made by the function that `relearn key create` uses."""

from __future__ import annotations

import secrets

from relearn.agents.stores.api_keys import create_key
from relearn.agents.stores.postgres import Pool, open_pool
from relearn.schemas.api_keys import ENTROPY_BYTES, make_key
from relearn.schemas.http.operation import Role
from relearn.schemas.settings import Settings


async def a_key(settings: Settings, role: Role = "admin", name: str | None = None) -> str:
    """Make a key, and return its text."""
    pool = await open_pool(settings, size=1)
    try:
        return await a_key_in(pool, role, name)
    finally:
        pool.terminate()


async def a_key_in(pool: Pool, role: Role = "admin", name: str | None = None) -> str:
    """The same, on a pool that is open."""
    text, proof = make_key(secrets.token_bytes(ENTROPY_BYTES))
    await create_key(pool, name or f"the {role} key", role, proof)
    return text


def bearer(text: str) -> dict[str, str]:
    """The header that shows a key."""
    return {"Authorization": f"Bearer {text}"}
