"""The page's server in tests: the API in this process, on the real servers; it can be stopped and started again."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from relearn.agents.stores.live.events import put_events
from relearn.api.http.limits import CONNECTION
from relearn.api.server.app import make_app
from relearn.schemas.http.events import EventData
from relearn.schemas.settings import Settings
from relearn.scripts.dev.bench.faults.servers import free_ports
from relearn.scripts.embedded.keys import ensure_pair
from tests.support.api.client import Client
from tests.support.waiting import eventually_async


class Site:
    """The API on a fixed port. `client` sends requests to it, and has its context."""

    def __init__(self, settings: Settings) -> None:
        ensure_pair(settings.keys_dir)
        self.settings = settings
        self.port = free_ports().valkey
        self.url = f"http://127.0.0.1:{self.port}"
        self._client: Client | None = None

    @property
    def client(self) -> Client:
        assert self._client is not None, "the API is stopped"
        return self._client

    async def start(self) -> None:
        server: TestServer[web.Application] = TestServer(make_app(self.settings), port=self.port)
        await server.start_server(**CONNECTION)
        http: TestClient[Any, web.Application] = TestClient(server)
        await http.start_server()
        self._client = Client(http, self.settings)

    async def tell(self, *events: EventData) -> None:
        """Append live events, as the workers do."""
        context = self.client.context
        async with context.redis.pipeline(transaction=False) as pipe:
            put_events(pipe, context.settings.namespace, *events)
            await pipe.execute()

    async def heard(self) -> None:
        """Waits until the page is connected to the live events."""
        await eventually_async(lambda: self.client.context.events.clients > 0, "no page is connected to the events")

    async def stop(self) -> None:
        """Stop in order, as at SIGTERM; no effect if it is stopped already."""
        if self._client is not None:
            await self._client.http.close()
            self._client = None
