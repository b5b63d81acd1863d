"""Fixtures of the tests of the stream."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from relearn.agents.stores.postgres import Pool, open_pool
from relearn.schemas.settings import Settings
from relearn.scripts.client.migrations import run_migrations


@pytest.fixture
async def pool(settings: Settings) -> AsyncIterator[Pool]:
    """Topics and tables, and a connection."""
    await run_migrations(settings)
    pool = await open_pool(settings)
    yield pool
    await pool.close()
