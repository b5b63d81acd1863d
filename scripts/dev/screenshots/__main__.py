"""`make screenshots`: start a small system, let something happen, take the pictures, end everything."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from aiohttp import ClientSession

from relearn.schemas.errors import RelearnError, SetupError
from relearn.scripts.demo.display.console import DemoConsole
from relearn.scripts.dev.screenshots.api_client import ApiClient
from relearn.scripts.dev.screenshots.browser import needed
from relearn.scripts.dev.screenshots.camera import take_pictures
from relearn.scripts.dev.screenshots.history import make_history
from relearn.scripts.dev.screenshots.system import small_system
from relearn.scripts.dev.screenshots.views import views
from relearn.scripts.embedded.processes import signals

DIRECTORY = Path("docs/screenshots")
LARGEST_BYTES = 200_000


async def _screenshots(console: DemoConsole) -> None:
    needed()  # said before anything starts
    async with small_system(console) as system, ClientSession() as session:
        with console.step("history", "batches, reviews, a rejected training, drift, dead letters") as step:
            found = await make_history(system, ApiClient(session, system.url))
            step.done = "batches, reviews, a rejected training, drift, dead letters"
        with console.step("pictures", "taking them, light and dark") as step:
            taken = await take_pictures(system.url, views(found), DIRECTORY)
            step.done = f"{len(taken)} in {DIRECTORY}/, the largest of {largest(taken):,} bytes"


def largest(pictures: Sequence[Path]) -> int:
    """The size of the largest, bytes.

    Raises:
        SetupError: it is too large for a repository.
    """
    size, path = max((path.stat().st_size, path) for path in pictures)
    if size > LARGEST_BYTES:
        raise SetupError(f"{path} takes {size:,} bytes; {LARGEST_BYTES:,} are the most")
    return size


def main() -> None:
    """Exit with 1 and a sentence where it can't be done."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    try:
        signals.run(_screenshots(DemoConsole()))
    except RelearnError as exc:
        sys.exit(f"{exc}")


if __name__ == "__main__":
    main()
