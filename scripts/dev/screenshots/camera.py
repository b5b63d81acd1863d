"""Takes pictures of the page, light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright

from relearn.schemas.errors import SetupError
from relearn.scripts.dev.screenshots.browser import needed
from relearn.scripts.dev.screenshots.views import View

#: Home's charts run: they are given so long.
_RUN_S = 20
_SETTLED = "() => !document.querySelector('.skeleton') && document.querySelector('h1')"


async def take_pictures(url: str, views: Sequence[View], directory: Path) -> list[Path]:
    """NAME-light.png and NAME-dark.png of each view, in a directory that is there.

    Raises:
        SetupError: there is no browser, or the page has a fault.
    """
    async with async_playwright() as playwright:
        # Its own sandbox needs rights that containers don't have; it is shown nothing but this page.
        browser = await playwright.chromium.launch(executable_path=needed(), args=["--no-sandbox"])
        try:
            return [path for scheme in ("light", "dark") for path in await _all(browser, url, views, directory, scheme)]
        finally:
            await browser.close()


async def _all(browser: Browser, url: str, views: Sequence[View], directory: Path, scheme: str) -> list[Path]:
    context = await browser.new_context(
        color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce", locale="en-GB", timezone_id="UTC"
    )
    await context.add_init_script("localStorage.setItem('relearn.reviewer', 'ann')")
    page, faults, taken = await context.new_page(), list[str](), list[Path]()
    page.on("pageerror", lambda error: faults.append(str(error)))
    await page.goto(url)
    await page.wait_for_timeout(1000 * _RUN_S)
    for view in views:
        path = directory / f"{view.name}-{scheme}.png"
        await _take(page, view, path)
        taken.append(path)
    await context.close()
    if faults:
        raise SetupError(f"the page has faults: {'; '.join(faults)}")
    return taken


async def _take(page: Page, view: View, path: Path) -> None:
    await page.set_viewport_size({"width": view.size[0], "height": view.size[1]})
    await page.evaluate("(address) => void (location.hash = address)", view.address)
    await page.wait_for_function(_SETTLED)
    await view.prepare(page)
    await page.wait_for_timeout(500)
    await page.screenshot(path=path)
