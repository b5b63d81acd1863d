"""Fixtures for the API: the application in this process, on the real servers, and a client that asks it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestClient, TestServer

from api.app import make_app
from schemas.settings import Settings
from scripts.embedded.keys import ensure_pair
from tests.api.client import Client


@pytest.fixture
async def client(migrated: Settings) -> AsyncIterator[Client]:
    """A client of the API on a namespace of its own; no model is live, and no worker runs."""
    ensure_pair(migrated.keys_dir)
    async with TestClient(TestServer(make_app(migrated))) as http:
        yield Client(http, migrated)
