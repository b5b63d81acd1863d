"""Fixtures for the API: the application in this process, on the real servers, and a client."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from relearn.schemas.settings import Settings
from tests.support.api.client import Client, serving


@pytest.fixture
async def client(migrated: Settings) -> AsyncIterator[Client]:
    """A client of the API on a namespace of its own; no model is live, and no worker runs."""
    async with serving(migrated) as one:
        yield one
