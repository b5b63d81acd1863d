"""The whole story, by real workers and a person at the page: send records, correct them, and a better model answers."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator

import numpy as np
import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from relearn.schemas.settings import Settings
from tests.support.data import retrains
from tests.support.page.site import Site
from tests.support.page.visit import Visit
from tests.support.processes.workers import WorkerProcess, workers
from tests.support.servers.namespaces import Namespaces

RECORDS = 400
#: Maximum number of records that the reviewer sees.
PATIENCE = 350
NAMES = ("x1", "x2", "x3", "x4")
_SWAPPED = re.compile(r"Model (\d+) answers now")
#: What a person sees in a record.
_SEEN = re.compile(r"A person sees: (yes|no)")


@pytest.fixture(scope="module")
def site_settings(namespaces: Namespaces, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Trainings come at once, and what isn't shown better ends soon; no item is chosen at random: it would be blind."""
    settings = namespaces.fresh(tmp_path_factory.mktemp("site"))
    soon = {"retrain_settle_s": 0.0, "retrain_cooldown_s": 0.0, "gate_alpha": 0.4, "shadow_s": 1.0}
    return settings.model_copy(update={**soon, "audit_share": 0.0})


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def at_work(site: Site) -> AsyncIterator[dict[str, WorkerProcess]]:
    """A worker of each role, and a first champion that has seen 14 records."""
    with workers(site.settings, retrain=1, feedback=1, score=1, store=1) as started:
        await asyncio.to_thread(retrains.load, site.settings, 14)
        job = await asyncio.to_thread(retrains.send, site.settings, "train")
        ended = await asyncio.to_thread(retrains.ended, site.settings, job, lambda: started["retrain-1"].log[-3000:])
        assert ended["state"] == "promoted"
        yield started


async def test_records_are_sent_corrected_by_keyboard_and_a_better_model_answers(
    at_work: dict[str, WorkerProcess], visitor: Visit, page: Page
) -> None:
    """All on one page that is never loaded again."""
    await page.add_init_script("localStorage.setItem('relearn.reviewer', 'ann')")
    await visitor.go("#/try")
    await page.evaluate("window.notReloaded = true")
    features = np.random.default_rng(5).normal(size=(RECORDS, len(NAMES)))
    records = [
        {**dict(zip(NAMES, row, strict=True)), "context": f"A person sees: {'yes' if row[0] > 0 else 'no'}"}
        for row in features.round(4).tolist()
    ]
    await page.get_by_label("Records, as CSV or JSON").fill(json.dumps(records))
    await page.get_by_role("button", name=f"Send {RECORDS} records").click()
    await expect(page.get_by_text(f"All {RECORDS} records are scored and stored")).to_be_visible(timeout=90_000)

    await page.get_by_role("navigation").get_by_role("link", name="Review").click()
    newest = await _corrected(page)
    assert newest > 1

    await page.get_by_role("navigation").get_by_role("link", name="Home").click()
    champion = page.get_by_role("region", name="Champion")
    await expect(champion.get_by_role("link", name=f"Model {newest}", exact=True)).to_be_visible()

    await page.get_by_role("navigation").get_by_role("link", name="Try it").click()
    await page.get_by_text("At once, nothing stored").click()
    await page.get_by_role("button", name="Score 5").click()
    await expect(page.get_by_text(f"Model {newest} answered 5 records")).to_be_visible()
    assert await page.evaluate("window.notReloaded")


async def _corrected(page: Page) -> int:
    """Review one record after the other, by keys alone, until the page reports another champion.

    Its version.
    """
    swapped = page.get_by_role("status").get_by_text(_SWAPPED)
    shown = page.locator(".record .facts .mono")
    for _ in range(PATIENCE):
        if await swapped.count():
            break
        await expect(shown).to_be_visible()
        prediction = await shown.inner_text()
        seen = _SEEN.search(await page.get_by_text(_SEEN).inner_text())
        assert seen is not None
        await page.keyboard.press({"no": "1", "yes": "2"}[seen[1]])
        await expect(shown).not_to_have_text(prediction)
    await expect(swapped).to_be_visible(timeout=90_000)
    found = _SWAPPED.search(await swapped.inner_text())
    assert found is not None
    return int(found[1])
