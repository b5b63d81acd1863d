"""Batches, one batch, and one prediction: looked at and reviewed where they are listed."""

from __future__ import annotations

import re

import numpy as np
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from relearn.schemas.http.events import BatchEvent
from relearn.schemas.model.linear_svm import Model
from tests.support.api.filled import review
from tests.support.page.judged import FeedbackRole, champion, predicted
from tests.support.page.site import Site
from tests.support.page.visit import PHONE, Visit, visit

#: The page reads the state of a review that isn't recorded for 10 s.
SILENT = "/v1/feedback/"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def model(site: Site) -> Model:
    return await champion(site)


async def test_without_batches_it_says_what_to_do_and_a_new_one_appears(
    visitor: Visit, page: Page, model: Model
) -> None:
    """First in this file: afterwards there are some."""
    await visitor.go("#/batches")
    await expect(page.get_by_text("No batches yet")).to_be_visible()
    await predicted(visitor.site, model, 3, batches=["<b>first</b>/ü"] * 3)
    await visitor.site.tell(BatchEvent([]))
    row = page.get_by_role("row").filter(has_text="<b>first</b>/ü")
    await expect(row).to_contain_text("3")
    await visitor.check_accessible()
    await row.get_by_role("link").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Batch <b>first</b>/ü")
    await expect(page.get_by_role("row")).to_have_count(4)


async def test_a_batch_is_corrected_row_by_row_and_the_rest_confirmed(visitor: Visit, page: Page, model: Model) -> None:
    """A review that isn't recorded yet when the rest is confirmed keeps its label."""
    visitor.may_fail(SILENT)
    role, site = FeedbackRole(visitor.site), visitor.site
    ids = await predicted(site, model, 4, batches=["b"] * 4, labels=np.zeros(4, np.int16))
    await page.add_init_script("localStorage.setItem('relearn.reviewer', 'ann')")
    await visitor.go("#/batches/b")
    rows = [page.get_by_role("row").filter(has_text=f"record {one.split('-')[1]}") for one in ids]
    await rows[0].get_by_role("combobox").select_option("yes")
    await expect(rows[0]).to_contain_text("it is yes under way")
    await rows[1].get_by_role("button", name=re.compile("^Confirm")).click()
    said = await role.wait_for((ids[0], "yes"), (ids[1], "no"))
    assert {(one.via, one.reviewer) for one in said} == {("batch", "ann")}
    assert await role.record() == 2
    await expect(rows[1]).to_contain_text("confirmed by ann")
    await expect(rows[1].get_by_role("button", name=re.compile("^Take back"))).to_be_focused()
    await rows[1].get_by_role("button", name=re.compile("^Take back")).click()
    await rows[2].get_by_role("combobox").select_option("Another label…")
    await rows[2].get_by_role("textbox").fill("perhaps")
    await page.keyboard.press("Enter")
    await role.wait_for((ids[1], None), (ids[2], "perhaps"))
    await page.get_by_role("button", name="Confirm the rest (2)").click()
    dialog = page.get_by_role("dialog", name="Confirm the rest of this batch?")
    await expect(dialog).to_contain_text("2 records")
    await dialog.get_by_role("button", name="Confirm 2").click()
    await role.wait_for((ids[1], None), (ids[2], "perhaps"), (ids[3], "no"))
    await role.record()
    await expect(page.get_by_text("75%")).to_be_visible()
    await page.get_by_label("Unreviewed only").check()
    await expect(page.get_by_role("row")).to_have_count(2)
    assert page.url.endswith("unreviewed=1")


async def test_a_batch_is_filtered_by_label_also_on_a_phone(browser: Browser, site: Site, model: Model) -> None:
    await predicted(site, model, 3, batches=["c"] * 3, labels=np.array([0, 1, 1], np.int16))
    async with visit(browser, site, size=PHONE) as one:
        await one.go("#/batches/c")
        page = one.page
        await page.get_by_label("Answered with").select_option("yes (2)")
        await expect(page.get_by_role("row")).to_have_count(3)
        await one.check_narrow()
        await one.check_accessible()
        await page.get_by_role("link", name=re.compile("^record")).first.click()
        await expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("^Prediction 0-"))
        await expect(page.locator(".signed-bars")).to_be_visible()
        await one.check_narrow()


@pytest.mark.long
async def test_a_large_batch_is_confirmed_call_by_call(visitor: Visit, page: Page, model: Model) -> None:
    """One call takes 10,000; the next finds what is recorded by then."""
    visitor.may_fail(SILENT, "/v1/batches/large")  # on a slow machine Kafka may not have them all in time
    n, role = 10_001, FeedbackRole(visitor.site)
    before = len(await role.sent())
    await predicted(visitor.site, model, n, batches=["large"] * n)
    await visitor.go("#/batches/large")
    await page.get_by_role("button", name="Confirm the rest").click()
    await page.get_by_role("dialog").get_by_role("button", name="Confirm 10,001").click()
    await expect(page.get_by_text("10,000 of about 10,001 confirmed…")).to_be_visible()
    await role.record()
    await expect(page.get_by_text("10,001 records confirmed")).to_be_visible()
    assert len({one.id for one in (await role.sent())[before:]}) == n


async def test_a_prediction_shows_everything_and_is_judged_there(visitor: Visit, page: Page, model: Model) -> None:
    """Reviewers who disagree, withdrawals, comments, and a review made here."""
    visitor.may_fail(SILENT)
    site, role = visitor.site, FeedbackRole(visitor.site)
    [one] = await predicted(site, model, 1, labels=np.zeros(1, np.int16), contexts=["<i>as it came</i>"], batches=["d"])
    pool, number = site.client.context.pool, 1_000_000
    await review(pool, number, one, "yes", reviewer="bob", comment="it looks so", via="audit")
    await review(pool, number + 1, one, "no", reviewer="eve")
    await page.add_init_script("localStorage.setItem('relearn.reviewer', 'ann')")
    await visitor.go(f"#/predictions/{one}")
    await expect(page.get_by_text("<i>as it came</i>")).to_be_visible()
    await expect(page.get_by_text("disputed", exact=True)).to_be_visible()
    await expect(page.get_by_role("link", name=f"model {model.version}")).to_be_visible()
    await expect(page.get_by_role("link", name="d", exact=True)).to_be_visible()
    bob = page.get_by_role("row").filter(has_text="bob")
    await expect(bob).to_contain_text("it looks so")
    await expect(bob).to_contain_text("chosen at random")
    await expect(page.get_by_role("row").filter(has_text="eve")).to_contain_text("counts")
    await visitor.check_accessible()
    await page.get_by_label("Comment").fill("looked twice")
    await page.get_by_role("group", name="The right label").get_by_role("button", name="yes").click()
    [said] = await role.wait_for((one, "yes"))
    assert (said.comment, said.reviewer, said.via) == ("looked twice", "ann", "volunteer")
    await role.record()
    await expect(page.get_by_role("row").filter(has_text="looked twice")).to_contain_text("counts")
    await page.get_by_role("button", name="Take your review back").click()
    await role.wait_for((one, None))
    await page.get_by_role("button", name="Confirm no").click()
    await role.wait_for((one, "no"))


async def test_a_prediction_that_is_not_there_says_so(visitor: Visit, page: Page) -> None:
    visitor.may_fail("/v1/predictions/")
    await visitor.go("#/predictions/9-9-9")
    await expect(page.get_by_text("There is no prediction 9-9-9")).to_be_visible()
