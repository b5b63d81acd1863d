"""The API's own document, as committed, and a page for it without external files."""

from __future__ import annotations

import json
import re

from relearn.scripts.dev.documents import DIRECTORY
from tests.support.api.client import Client


async def test_the_documents_are_those_that_are_committed(client: Client) -> None:
    for name in ("openapi.json", "asyncapi.json"):
        assert await client.json("GET", f"/{name}") == json.loads((DIRECTORY / name).read_text())


async def test_the_page_asks_nobody_else(client: Client) -> None:
    async with client.http.get("/docs") as response:
        page = await response.text()
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    wanted = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(wanted) == 4
    for path in wanted:
        assert path.startswith("/docs/")
        async with client.http.get(path) as response:
            assert response.status == 200
            assert response.headers["Content-Type"].split(";")[0] in {"text/css", "text/javascript", "image/png"}


async def test_no_other_file_is_given(client: Client) -> None:
    assert (await client.json("GET", "/docs/swagger-ui.js.map", status=404))["status"] == 404
    assert (await client.json("GET", "/docs/..%2f__init__.py", status=400))["status"] == 400
