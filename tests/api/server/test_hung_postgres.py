"""Servers that hang with open connections: requests end with an error by themselves."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from relearn.api.server.app import POOL_SIZE
from tests.support.api.client import Client
from tests.support.api.filled import register, store
from tests.support.data.blocks import block_of
from tests.support.data.models import a_model
from tests.support.servers.embedded import Servers
from tests.support.waiting import eventually_async

#: That only a broken system meets: a worker waits for longer, and here each of many would wait after the others.
DEADLINE_S = 40.0
READS = (
    "/v1/jobs",
    "/v1/jobs/none",
    "/v1/batches/b",
    "/v1/predictions",
    "/v1/predictions/0-0-0",
    "/v1/predictions/0-0-0/feedback",
    "/v1/models",
    "/v1/models/3",
    "/v1/models/3/examples",
    "/v1/models/3/examples?format=csv",
    "/v1/review-queue",
    "/v1/dead-letters",
    "/v1/retraining",
    "/v1/drift",
    "/v1/stats",
    "/v2/models/svm/versions/3",
)


@pytest.fixture
async def stored(client: Client) -> Client:
    """A client whose server has connections to Postgres, a model there, and one record of batch `b`."""
    await store(client.context.pool, block_of(1, batches=["b"]))
    await register(client.context.pool, a_model(3))
    return client


async def asked(client: Client, path: str) -> tuple[int, str | None, Any]:
    """Status, `Retry-After` and body."""
    async with client.http.get(path) as response:
        return response.status, response.headers.get("Retry-After"), await response.text()


async def test_many_that_ask_a_postgres_that_hangs_are_told_so_and_it_is_well_again_by_itself(
    stored: Client, servers: Servers
) -> None:
    await asyncio.gather(*(asked(stored, "/v1/jobs") for _ in range(POOL_SIZE)))
    assert stored.context.pool.get_idle_size() > 0, "there has to be a connection that seems to be well"
    with servers.postgres.hung():
        paths = READS * POOL_SIZE
        async with asyncio.timeout(DEADLINE_S):
            found = await asyncio.gather(*(asked(stored, path) for path in paths))
        for path, answer in zip(paths, found, strict=True):
            assert answer[:2] == (503, "1"), (path, answer)
            assert "Postgres" in answer[2]

    async def well() -> bool:
        again = await asyncio.gather(*(asked(stored, "/v1/jobs") for _ in range(4 * POOL_SIZE)))
        return {status for status, _, _ in again} == {200}

    await eventually_async(well, "it isn't well again")
    assert stored.context.pool.get_size() <= POOL_SIZE
