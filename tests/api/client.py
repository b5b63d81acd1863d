"""Asking the API in tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient

from api.context import CONTEXT, Context
from schemas.model import Model
from schemas.settings import Settings
from schemas.updates import Update


@dataclass(frozen=True)
class Client:
    """A client and the namespace that its server serves."""

    http: TestClient[Any, web.Application]
    settings: Settings

    @property
    def context(self) -> Context:
        """What the server holds."""
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
