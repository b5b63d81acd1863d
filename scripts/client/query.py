"""One query to Postgres on connections of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from relearn.agents.stores.postgres import Pool, open_pool
from relearn.scripts.client.environment import load_settings

T = TypeVar("T")


def with_pool(question: Callable[[Pool], Awaitable[T]], *, connections: int = 1) -> T:
    """The result of `question` on a pool that is closed afterwards.

    Raises:
        PostgresUnavailable, SetupError: there is no result.
    """

    async def run() -> T:
        pool = await open_pool(load_settings(), size=connections)
        try:
            return await question(pool)
        finally:
            pool.terminate()

    return asyncio.run(run())
