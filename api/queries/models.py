"""Registered models, cached by the checksum of their bodies. A registered model never changes."""

from __future__ import annotations

from collections import OrderedDict

import structlog

from relearn.agents.stores.postgres import Connection, Pool, postgres_errors
from relearn.schemas.errors import BadModel, PostgresUnavailable, SetupError
from relearn.schemas.model.linear_svm import Model, decode_model, model_digest

log = structlog.get_logger()

#: Maximum cached models, the most recently used ones.
MAX_CACHED = 64
_NEWEST = "SELECT version FROM models ORDER BY version DESC LIMIT $1"


class ModelCache:
    """The model cache of one process."""

    def __init__(self) -> None:
        self._models: OrderedDict[bytes, Model] = OrderedDict()

    def __len__(self) -> int:
        return len(self._models)

    async def get(self, connection: Connection, version: int, digest: bytes) -> Model | None:
        """The model of this version and SHA-256; None if the stored body doesn't match or can't be decoded.

        Raises:
            PostgresUnavailable: retryable.
        """
        found = self._models.get(digest)
        if found is None:
            with postgres_errors():
                body = await connection.fetchval("SELECT body FROM models WHERE version = $1", version)
            found = _decoded(version, digest, body)
            if found is None:
                return None
            self._models[digest] = found
        self._models.move_to_end(digest)
        while len(self._models) > MAX_CACHED:
            self._models.popitem(last=False)
        return found

    async def of_version(self, pool: Pool, version: int) -> Model | None:
        """The model registered as this version; None if there is none or its body is unusable.

        A cached model is returned without a query.

        Raises:
            PostgresUnavailable: retryable.
        """
        kept = next((digest for digest, one in self._models.items() if one.version == version), None)
        if kept is not None:
            self._models.move_to_end(kept)
            return self._models[kept]
        with postgres_errors():
            async with pool.acquire() as connection:
                digest = await connection.fetchval("SELECT sha256 FROM models WHERE version = $1", version)
                return None if digest is None else await self.get(connection, version, digest)

    async def versions(self, pool: Pool) -> list[int]:
        """The newest registered versions, at most MAX_CACHED; the cached ones while Postgres is away."""
        try:
            with postgres_errors():
                return [row["version"] for row in await pool.fetch(_NEWEST, MAX_CACHED)]
        except (PostgresUnavailable, SetupError) as exc:
            log.debug("versions_unavailable", error=str(exc))
            return [one.version for one in self._models.values()]


def _decoded(version: int, digest: bytes, body: bytes | None) -> Model | None:
    if body is None or model_digest(body) != digest:
        log.warning("model_unusable", version=version, error="its SHA-256 differs from the registered one")
        return None
    try:
        return decode_model(body)
    except BadModel as exc:
        log.warning("model_unusable", version=version, error=str(exc))
        return None
