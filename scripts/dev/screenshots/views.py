"""What there are pictures of: where each is, and what is done there before."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from playwright.async_api import Page

from relearn.scripts.dev.screenshots.history import Found

WIDE = (1440, 900)
PHONE = (390, 844)
#: The number of blind items to skip: most pictures are of an item that isn't blind.
_SKIPPED = 12


async def _nothing(_: Page) -> None:
    """It is as it is."""


@dataclass(frozen=True)
class View:
    """One picture, of a screen at `address`."""

    name: str
    address: str
    prepare: Callable[[Page], Awaitable[None]] = _nothing
    size: tuple[int, int] = WIDE


def views(found: Found) -> list[View]:
    """All of them; home last, when its charts have something to show."""
    return [
        View("batches", "#/batches"),
        View("batch", f"#/batches/{found.batch}"),
        View("prediction", f"#/predictions/{found.prediction}"),
        View("models", "#/models"),
        View("model", f"#/models/{found.version}"),
        View("jobs", "#/jobs"),
        View("job", f"#/jobs/{found.job}"),
        View("drift", "#/drift"),
        View("dead-letters", f"#/dead-letters?letter={found.letter}"),
        View("try", "#/try", _sent),
        View("review", "#/review", _explained),
        View("review-phone", "#/review", _explained, PHONE),
        View("home-phone", "#/", size=PHONE),
        View("home", "#/"),
    ]


async def _sent(page: Page) -> None:
    """Fifteen records, and back again."""
    await page.get_by_role("button", name="Send 15").click()
    await page.get_by_text("All 15 records are scored and stored").wait_for()


async def _explained(page: Page) -> None:
    """An item whose answer isn't kept back."""
    shown = page.get_by_role("heading", name=re.compile("^What is "))
    await shown.wait_for()
    for _ in range(_SKIPPED):
        if not await page.get_by_role("heading", name="Answer first").count():
            return
        await page.keyboard.press("s")
        await page.wait_for_timeout(300)
