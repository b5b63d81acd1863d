"""Records of numbers and categories with gaps: reviewed, explained, tried, watched."""

from __future__ import annotations

import asyncio
from typing import Any

import msgpack
import numpy as np
import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, Response, expect

from relearn.agents.feedback.drift_watch import compared
from relearn.agents.learning.drift import reference
from relearn.agents.learning.drift_columns import drift_columns
from relearn.agents.stores.predictions.sample import Cursor, Sample
from relearn.agents.stores.training.drift import DriftRow, DriftState, write_drift
from relearn.schemas.model.linear_svm import Model
from relearn.schemas.settings import Settings
from tests.support.data.mixed import SCHEMA, TOWNS, mixed_values, row
from tests.support.data.rows import messages
from tests.support.page.mixed import mixed_champion, mixed_predicted
from tests.support.page.site import Site
from tests.support.page.visit import Visit
from tests.support.servers.namespaces import Namespaces

LONG = "a town with a name that is longer than any column, " * 4
GAPS: list[Any] = [None, None, LONG, 12.5]
OWN = 'town,age,colour,income\n007,,"blue, dark",9\nt1,40,,8.5'
FAULTY = "red,40,,9\nred,forty,t0,9\nred,40,t0,\nred,40"
NAMED = '{"town": "t1", "income": 5}\n{"town": 1, "income": 5}\n{"town": "t1"}'


@pytest.fixture(scope="module")
def site_settings(namespaces: Namespaces, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Nothing is chosen at random: that would be blind."""
    settings = namespaces.fresh(tmp_path_factory.mktemp("site"))
    return settings.model_copy(update={"audit_share": 0.0})


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def model(site: Site) -> Model:
    return await mixed_champion(site)


def _cells(table: Locator, feature: str) -> Locator:
    """The cells of the line of a feature."""
    return table.get_by_role("row").filter(has=table.page.get_by_role("rowheader", name=feature, exact=True))


async def test_a_gap_is_missing_and_a_category_is_its_text(visitor: Visit, page: Page, model: Model) -> None:
    """In the record, in its explanation, in the queue and on a prediction's own page."""
    (prediction,) = await mixed_predicted(visitor.site, model, [GAPS])
    await page.add_init_script("localStorage.setItem('relearn.reviewer', 'ann')")
    for route in ("#/review", f"#/predictions/{prediction}"):
        await visitor.go(route)
        for table in (page.locator(".features"), page.locator(".signed-bars")):
            for feature, value in zip(SCHEMA.names, ("missing", "missing", LONG.strip(), "12.5"), strict=True):
                await expect(_cells(table, feature)).to_contain_text(value)
        found = await visitor.site.client.json("GET", f"/v1/predictions/{prediction}")
        await expect(page.locator(".signed-bars tfoot")).to_contain_text(f"{found['margins'][0]:+.3g}")
        assert not await page.get_by_text("NaN").count()
        await visitor.check_accessible()


async def test_own_records_may_have_gaps_and_faults_name_the_feature(visitor: Visit, page: Page, model: Model) -> None:
    """CSV by position and by name, JSON; scored at once, sent to the stream, and samples."""
    await visitor.go("#/try")
    box = page.get_by_label("Records, as CSV or JSON")
    await expect(box).to_have_attribute("placeholder", "colour,age,town,income\ntext,1,text,3\n,,text,3")
    await expect(page.get_by_text("Categories, which are any text: “colour”, “town”")).to_be_visible()
    faults = page.get_by_role("listitem").filter(has_text="Line")
    for text, words in (
        (
            FAULTY,
            [
                "Line 1: “town” is missing, and may not be",
                "Line 2: “age” isn't a number: “forty”",
                "Line 3: “income” is missing, and may not be",
                "Line 4: 2 values; the model has 4",
            ],
        ),
        (NAMED, ["Line 2: “town” is a category: a text in quotes, not 1", "Line 3: “income” is missing"]),
    ):
        await box.fill(text)
        await expect(faults).to_have_text(words)
    await page.get_by_text("At once, nothing stored").click()
    await box.fill(OWN)
    await page.get_by_role("button", name="Score 2 records").click()
    result = page.get_by_role("region", name="Scored at once")
    rows = result.get_by_role("row")
    await expect(rows.nth(1)).to_contain_text("colour blue, dark · age missing · town 007 · income 9")
    await expect(rows.nth(2)).to_contain_text("colour missing · age 40 · town t1 · income 8.5")
    await expect(rows.nth(2)).to_contain_text("%")
    await visitor.check_accessible()
    await page.get_by_role("button", name="Score 15").click()
    await expect(result).to_contain_text("15 records")
    await page.get_by_text("Through the stream").click()
    async with page.expect_response(_is_batch) as response:
        await page.get_by_role("button", name="Send 2 records").click()
    assert (await response.value).status == 202
    (message,) = await asyncio.to_thread(messages, visitor.site.settings, "ingest")
    sent = msgpack.unpackb(message.value())["features"]
    assert sent == [["blue, dark", None, "007", 9.0], [None, 40.0, "t1", 8.5]]


def _is_batch(response: Response) -> bool:
    return response.request.method == "POST" and response.url.endswith("/v1/batches")


async def test_codes_of_levels_are_never_shown(visitor: Visit, page: Page, model: Model) -> None:
    """A bin has its level's name, or is of a range of them; with gaps the last one is of what is missing."""
    values, _ = mixed_values(1500, seed=3)
    rows = np.array([row(one) for one in values])
    levels = {"town": TOWNS[:3]}
    columns = drift_columns(model, rows[:1000], levels)
    first = reference(SCHEMA.row_names, columns, rows[:1000, 1], SCHEMA.gaps, levels)
    watched = DriftRow(1, 1, DriftState(reference=first))
    watched = compared(watched, Cursor(), Sample(rows[1000:], rows[1000:, 1]), 1_700_000_000.0, model)
    assert await write_drift(visitor.site.client.context.pool, watched) is not None
    await visitor.go("#/drift")
    for feature in SCHEMA.names:
        line = page.get_by_role("button", name=feature)
        if await line.get_attribute("aria-expanded") == "false":
            await line.click()
    colour = page.get_by_role("table", name="the value of colour")
    await expect(colour.get_by_role("rowheader", name="one level")).to_have_count(4)
    await expect(colour.get_by_role("rowheader").last).to_have_text("missing")
    town = page.get_by_role("table", name="the value of town")
    await expect(town.get_by_role("rowheader")).to_have_text([*TOWNS[:3], "other levels"])
    await expect(page.get_by_role("table", name="the value of age").get_by_role("rowheader").last).to_have_text(
        "missing"
    )
    await visitor.check_accessible()
