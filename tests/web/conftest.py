"""Fixtures for the page: a real Chromium, and the API that serves it.

The tests are async and share the session's event loop with the browser and the API. What blocks or runs a loop of its
own (starting workers is fine, `eventually` and `asyncio.run` aren't) goes to `asyncio.to_thread`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from relearn.schemas.settings import Settings
from relearn.scripts.dev.screenshots.browser import HOW, chromium
from tests.support.page.site import Site
from tests.support.page.visit import Visit, visit
from tests.support.servers.namespaces import Namespaces

_HERE = Path(__file__).parent
# A deadline that only a broken page meets, on a slow machine too.
expect.set_options(timeout=60_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One event loop for all of them: the browser is bound to the one that it was started in."""
    for item in items:
        if _HERE in item.path.parents and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The browser; each visit has a context of its own in it."""
    executable = chromium()
    if executable is None:
        pytest.skip(HOW)
    async with async_playwright() as playwright:
        # Its own sandbox needs rights that containers don't have; it is shown nothing but this page.
        running = await playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield running
        await running.close()


@pytest.fixture(scope="module")
def site_settings(namespaces: Namespaces, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A namespace for the tests of one file."""
    return namespaces.fresh(tmp_path_factory.mktemp("site"))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def site(site_settings: Settings) -> AsyncIterator[Site]:
    """The API on the namespace of the file. A test that stops it starts it again."""
    one = Site(site_settings)
    await one.start()
    yield one
    await one.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(browser: Browser, site: Site) -> AsyncIterator[Visit]:
    """A visit on a wide screen."""
    async with visit(browser, site) as one:
        yield one


@pytest.fixture
def page(visitor: Visit) -> Page:
    """The page of that visit."""
    return visitor.page
