"""The client of the API in tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from relearn.api.http.context import CONTEXT, Context
from relearn.api.http.limits import CONNECTION
from relearn.api.server.app import make_app
from relearn.schemas.model.linear_svm import Model
from relearn.schemas.model.signed_updates import Update
from relearn.schemas.settings import Settings
from relearn.scripts.embedded.keys import ensure_pair

#: No server listens there.
NOWHERE = "127.0.0.1:1"


@dataclass(frozen=True)
class Client:
    """A client and the namespace that its server serves."""

    http: TestClient[Any, web.Application]
    settings: Settings

    @property
    def context(self) -> Context:
        """The server's context."""
        assert self.http.app is not None
        return self.http.app[CONTEXT]

    def serve(self, model: Model, activation: int = 1) -> None:
        """Make `model` live in this process alone, as an update from the feed would."""
        self.context.live.swap(Update(self.settings.namespace, "champion", activation, model, "job", {}, 0.0))

    async def json(self, method: str, path: str, *, status: int = 200, **arguments: Any) -> Any:
        """The JSON answer; its status must be `status`."""
        async with self.http.request(method, path, **arguments) as response:
            text = await response.text()
            assert response.status == status, text
            return await response.json(content_type=None)

    async def problem(self, method: str, path: str, status: int, **arguments: Any) -> str:
        """The response's problem type."""
        return str((await self.json(method, path, status=status, **arguments))["type"]).rpartition(":")[2]


@asynccontextmanager
async def serving(settings: Settings, **given: Any) -> AsyncIterator[Client]:
    """A client of an application with the limits of a real one; `given`: settings that it has otherwise."""
    ensure_pair(settings.keys_dir)
    server = TestServer(make_app(settings.model_copy(update=given)))
    await server.start_server(**CONNECTION)
    async with TestClient(server) as http:
        yield Client(http, settings)
