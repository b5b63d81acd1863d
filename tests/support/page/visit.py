"""One visit of the page in a browser, and the faults that fail a test."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, Literal

from playwright.async_api import Browser, ConsoleMessage, Page, Request

from relearn.api.http.static_files import DIRECTORY
from tests.support.page.site import Site

Scheme = Literal["light", "dark"]
WIDE = (1440, 900)
PHONE = (360, 740)
WIDTHS = (700, 1024, 1280, 1920)
#: The scheme changes colours alone: in dark, the rules that look at colours run again.
_AXE_OPTIONS: dict[Scheme, dict[str, Any]] = {
    "light": {"resultTypes": ["violations"]},
    # By name: a tag would turn on the rules that are off by default, of WCAG AAA.
    "dark": {
        "resultTypes": ["violations"],
        "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
    },
}
_AXE = DIRECTORY / "node_modules" / "axe-core" / "axe.min.js"


class Visit:
    """A page that is open, and every fault that was seen in it: errors in its console, in its scripts, against its
    policy, and requests to other hosts."""

    def __init__(self, page: Page, site: Site) -> None:
        self.page = page
        self.site = site
        self.faults: list[str] = []
        self._may_fail: list[str] = []
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("request", self._asked)

    async def go(self, route: str = "#/") -> None:
        """Open a screen, from the outside the first time."""
        await self.page.goto(f"{self.site.url}/{route}")

    def may_fail(self, *paths: str) -> None:
        """Requests to paths with these prefixes fail on purpose in this test."""
        self._may_fail.extend(paths)

    async def check_accessible(self) -> None:
        """axe finds nothing on what is shown now, in light and in dark, and it fits from a tablet to a wide screen."""
        size = self.page.viewport_size
        for width in WIDTHS:
            await self.page.set_viewport_size({"width": width, "height": WIDE[1]})
            await self.check_narrow()
        assert size is not None
        await self.page.set_viewport_size(size)
        if await self.page.evaluate("!window.axe"):
            await self.page.evaluate(_axe_source())
        for scheme, options in _AXE_OPTIONS.items():
            await self.page.emulate_media(color_scheme=scheme)
            found = await self.page.evaluate("options => axe.run(options)", options)
            assert not found["violations"], "\n".join([scheme, *map(_told, found["violations"])])

    async def try_now(self) -> None:
        """Press every "Try now" that is shown, at once: the page retries by itself too, and then there is none."""
        await self.page.evaluate(
            """() => {
                for (const button of document.querySelectorAll("button"))
                    if (button.textContent.trim() === "Try now") button.click();
            }"""
        )

    async def check_narrow(self) -> None:
        """Nothing makes the page wider than the window."""
        wider = await self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wider == 0, f"{wider} px too wide"

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type not in {"error", "warning"}:
            return
        path = message.location["url"].removeprefix(self.site.url)
        if message.text.startswith("Failed to load resource") and path.startswith(tuple(self._may_fail)):
            return
        self.faults.append(f"{message.type}: {message.text} {path}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((f"{self.site.url}/", "data:", "blob:")):
            self.faults.append(f"request to another host: {request.url}")


@asynccontextmanager
async def visit(
    browser: Browser, site: Site, *, size: tuple[int, int] = WIDE, dark: bool = False, **more: Any
) -> AsyncIterator[Visit]:
    """A first visit, with an empty browser profile; any fault in it fails the test."""
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
        locale="en-GB",
        timezone_id="UTC",
        **more,
    )
    context.set_default_timeout(30_000)
    opened = Visit(await context.new_page(), site)
    try:
        yield opened
        assert not opened.faults, opened.faults
    finally:
        await opened.page.unroute_all(behavior="ignoreErrors")
        await context.close()


@cache
def _axe_source() -> str:
    return _AXE.read_text()


def _told(violation: dict[str, Any]) -> str:
    nodes = [f"{node['target']}: {node['failureSummary']}" for node in violation["nodes"][:5]]
    return json.dumps({violation["id"]: nodes}, indent=1)
