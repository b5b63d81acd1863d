"""Drift: what is watched, how far each feature has moved, and both histograms of it."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
from playwright.async_api import Browser, Page, expect

from relearn.agents.feedback.drift_watch import compared
from relearn.agents.learning.drift import reference
from relearn.agents.stores.predictions.sample import Cursor, Sample, first_records
from relearn.agents.stores.training.drift import DriftRow, DriftState, write_drift
from relearn.schemas.topics import topic_name
from tests.support.data import retrains
from tests.support.data.registered import register
from tests.support.data.reviewed import model_of, predict, records
from tests.support.page.site import Site
from tests.support.page.visit import PHONE, Visit, visit
from tests.web.test_modules import run

PIXELS = tuple(f"pixel_{row}_{column}" for row in range(7) for column in range(8))


async def watched(site: Site, names: tuple[str, ...], windows: int) -> None:
    """A watch of the champion after `windows` windows in which the second feature has moved."""
    rng = np.random.default_rng(0)
    moved = np.array([2.0 * (i == 1) for i in range(len(names))])

    def sample(n: int, shift: Any = 0.0) -> Sample:
        features = rng.normal(size=(n, len(names))) + shift
        return Sample(features, features[:, 0])

    row = DriftRow(1, 1, DriftState(reference=reference(names, *sample(1000)[:2])))
    for number in range(windows):
        row = compared(row, Cursor(), sample(500, moved), 1_700_000_000.0 + number)
    pool = site.client.context.pool
    await pool.execute("DELETE FROM drift")
    assert await write_drift(pool, row) is not None


async def test_before_the_first_champion_it_says_how_to_get_one(visitor: Visit, page: Page) -> None:
    await visitor.go("#/drift")
    await expect(page.get_by_text("There is no champion yet")).to_be_visible()
    await expect(page.get_by_text("relearn model train --data digits")).to_be_visible()
    await visitor.check_accessible()


async def test_a_new_champion_gathers_and_it_says_how_far_it_is(visitor: Visit, page: Page) -> None:
    settings = visitor.site.settings
    await asyncio.to_thread(retrains.load, settings, 14)
    assert await asyncio.to_thread(register, settings) == 1
    features, _ = records(640)
    await asyncio.to_thread(predict, settings, features, await asyncio.to_thread(model_of, settings, 1))
    pool = visitor.site.client.context.pool
    cursor, sample = await first_records(pool, topic_name(settings.namespace, "ingest"), 1, Cursor())
    assert sample is None
    await write_drift(pool, DriftRow(1, 1, DriftState(cursor)))
    await visitor.go("#/drift")
    await expect(page.get_by_text("Model 1 is gathering its first records")).to_be_visible()
    await expect(page.get_by_text("640 of 1,000 have come")).to_be_visible()
    await expect(page.get_by_role("progressbar", name="Records gathered")).to_have_attribute("value", "640")
    await visitor.check_accessible()


async def test_what_has_drifted_comes_first_with_both_histograms(visitor: Visit, page: Page) -> None:
    """Others open and close; a bin's range and share are shown as text."""
    await watched(visitor.site, ("x1", "x2", "x3", "x4"), 2)
    await visitor.go("#/drift")
    lines = page.locator(".drift-list li")
    await expect(lines).to_have_count(5)
    first = lines.first
    await expect(first.get_by_role("button", expanded=True)).to_contain_text("x2")
    await expect(first).to_contain_text("drifted")
    table = first.get_by_role("table", name="Shares of records by the value of x2")
    await expect(table.get_by_role("row")).to_have_count(11)
    last = table.get_by_role("row").last
    await expect(last).to_contain_text(">")
    await expect(last).to_contain_text("10%")
    await expect(page.get_by_text("1 of 5")).to_be_visible()
    margin = page.get_by_role("button", name="margin of the champion")
    await margin.click()
    await expect(page.get_by_role("table", name="the value of margin")).to_be_visible()
    await visitor.check_accessible()
    await margin.press("Enter")
    await expect(page.get_by_role("table", name="the value of margin")).to_be_hidden()


async def test_pixels_are_a_picture_and_hundreds_of_features_can_be_searched(browser: Browser, site: Site) -> None:
    """On a phone; a window that closes meanwhile shows by itself."""
    await watched(site, PIXELS, 1)
    async with visit(browser, site, size=PHONE) as one:
        page = one.page
        await one.go("#/drift")
        await expect(page.get_by_role("img", name="The picture's 56 pixels")).to_be_visible()
        await expect(page.get_by_text("shifted in the last window")).to_have_count(1)
        await expect(page.locator(".drift-list li")).to_have_count(40)
        await page.get_by_role("button", name="Show all 57").click()
        await expect(page.locator(".drift-list li")).to_have_count(57)
        await page.get_by_label("Find a feature").fill("pixel_3")
        await expect(page.locator(".drift-list li")).to_have_count(8)
        await one.check_accessible()
        await one.check_narrow()
        await watched(site, PIXELS, 2)
        await expect(page.get_by_text("1 of 57")).to_be_visible()


async def test_a_bin_of_one_value_is_named_by_it(visitor: Visit) -> None:
    code = """
        const { binNames } = await import("/web/screens/drift/bins.js");
        const given = [[], [4.999999999999999, 5], [-5e-324, 0, 2.5, 6.999999999999999, 7], [1]];
        return given.map((edges) => binNames(edges));
    """
    assert await run(visitor, code) == [
        ["all"],
        ["< 5", "5", "> 5"],
        ["< 0", "0", "0 to 2.5", "2.5 to < 7", "7", "> 7"],
        ["≤ 1", "> 1"],
    ]


async def test_a_bin_of_codes_is_no_range_of_numbers_and_one_may_be_of_what_is_missing(visitor: Visit) -> None:
    """The last edge parts what is missing from all numbers; it isn't there where nothing could be missing before."""
    code = """
        const { binNames } = await import("/web/screens/drift/bins.js");
        return argument.map(([edges, kind, missing, levels]) => binNames(edges, { kind, missing }, levels));
    """
    most, code_ = 1.7976931348623157e308, 489432828731721.0
    below = float(np.nextafter(most, 0))
    given = [
        [[5], "number", True],
        [[5, below], "number", True],
        [[below], "number", True],
        [[code_ - 0.0625, code_, 2e15], "category", False],
        [[code_ - 0.0625, code_, below], "category", True],
        [[2e15, below], "category", True],
        [[0, 1], "category", False, ["red", " a"]],
        [[0, 1, below], "category", True, ["red", "missing"]],
        [[below], "category", True, []],
        [[0.125, 0.5, below], "text", True],
    ]
    some = "a range of levels"
    assert await run(visitor, code, given) == [
        ["≤ 5", "> 5"],
        ["≤ 5", "> 5", "missing"],
        ["all", "missing"],
        [some, "one level", some, some],
        [some, "one level", some, "missing"],
        [some, some, "missing"],
        ["red", "“ a”", "other levels"],
        ["red", "“missing”", "other levels", "missing"],
        ["other levels", "missing"],
        ["≤ 12.5%", "12.5% to 50%", "> 50%", "missing"],
    ]
