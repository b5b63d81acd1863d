"""One question to Postgres on a connection of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from relearn.agents.stores.postgres import Pool, open_pool
from relearn.scripts.client.environment import load_settings

T = TypeVar("T")


def read(question: Callable[[Pool], Awaitable[T]]) -> T:
    """The answer to `question`, asked on a connection that is closed afterwards.

    Raises:
        PostgresUnavailable, SetupError: there is none.
    """

    async def run() -> T:
        pool = await open_pool(load_settings(), size=1)
        try:
            return await question(pool)
        finally:
            pool.terminate()

    return asyncio.run(run())
