"""Records with texts: read as texts, their words tinted, in one line in lists, pasted, watched."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import msgpack
import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from relearn.schemas.model.linear_svm import Model
from relearn.schemas.settings import Settings
from tests.support.data.rows import messages
from tests.support.data.texts import SCHEMA, letters
from tests.support.page.mixed import champion_of, mixed_predicted
from tests.support.page.site import Site
from tests.support.page.visit import PHONE, Visit
from tests.support.servers.namespaces import Namespaces

SHORT: list[Any] = ["A broken parcel.\nThank you, it was late!", 50.0, "mail", "Complaint"]
LONG: list[Any] = ["The parcel was broken, great! " * 2180, 40.0, "web", "Order and thanks"]
GAP: list[Any] = [None, 40.0, "web", "a-very-long-word-that-does-not-break" * 20]
OWN = 'letter,amount,channel,title\n"Late, and ""broken"".\n\nRefund; please; now",9,web,Help\n,1,mail,"a; b"'


@pytest.fixture(scope="module")
def site_settings(namespaces: Namespaces, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Nothing is chosen at random: that would be blind."""
    settings = namespaces.fresh(tmp_path_factory.mktemp("site"))
    return settings.model_copy(update={"audit_share": 0.0})


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def model(site: Site) -> Model:
    return await champion_of(site, SCHEMA, *letters(80))


def _text(page: Page, name: str) -> Locator:
    """The text of that feature."""
    return page.locator(".one-text").filter(has=page.get_by_role("heading", name=name, exact=True))


async def test_a_text_is_read_first_and_its_words_are_tinted_by_what_they_add(
    visitor: Visit, page: Page, model: Model
) -> None:
    """In the queue, on a prediction's page, on a phone; the lines of the explanation add up to the margin."""
    (prediction,) = await mixed_predicted(visitor.site, model, [SHORT])
    await page.add_init_script("localStorage.setItem('relearn.reviewer', 'ann')")
    found = await visitor.site.client.json("GET", f"/v1/predictions/{prediction}")
    for route in ("#/review", f"#/predictions/{prediction}"):
        await visitor.go(route)
        letter = _text(page, "letter")
        assert await letter.locator(".text").inner_text() == SHORT[0]
        assert "\n" in await letter.locator(".text").inner_text()
        broken = letter.locator("mark", has_text="broken")
        await expect(broken).to_have_class("minus")
        assert "broken -" in str(await broken.get_attribute("title"))
        await expect(letter.locator("mark", has_text="Thank")).to_have_class("plus")
        await expect(page.get_by_text("words speak for praise")).to_contain_text("for complaint")
        await expect(page.locator(".features")).not_to_contain_text("letter")
        bars = page.locator(".signed-bars")
        await expect(bars.locator("tfoot")).to_contain_text(f"{found['margins'][0]:+.3g}")
        await expect(bars.locator("tr.word").first).to_be_visible()
        button = bars.get_by_role("button", name="letter", exact=True)
        before = await button.get_attribute("aria-expanded")
        await button.click()
        await expect(button).to_have_attribute("aria-expanded", "false" if before == "true" else "true")
        await visitor.check_accessible()
        await page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
        await visitor.check_narrow()


async def test_a_long_text_is_cut_and_a_list_has_one_line_of_it(visitor: Visit, page: Page, model: Model) -> None:
    """Of 64 kB; and one that nothing breaks, beside one that is missing."""
    long, gap = await mixed_predicted(visitor.site, model, [LONG, GAP], first=1, batches=["b"] * 2)
    await visitor.go("#/batches/b")
    line = page.locator(".first-text").filter(has_text="The parcel was broken")
    await expect(line).to_have_attribute("title", LONG[0])
    assert len(await line.inner_text()) < 200
    for prediction in (None, gap, long):
        if prediction:
            await visitor.go(f"#/predictions/{prediction}")
            await expect(_text(page, "title")).to_be_visible()
        for width, height in (PHONE, (1280, 800)):
            await page.set_viewport_size({"width": width, "height": height})
            await visitor.check_narrow()
    text = _text(page, "letter").locator(".text")
    assert len(await text.inner_text()) < 1500
    await page.get_by_role("button", name="Show all 65,400 characters").click()
    assert await text.text_content() == LONG[0]
    await visitor.check_accessible()
    await page.get_by_role("button", name="Show less").click()
    assert len(await text.inner_text()) < 1500


async def test_own_records_may_have_texts_with_quotes_and_line_breaks(visitor: Visit, page: Page, model: Model) -> None:
    """The separator is found although texts are full of others."""
    await visitor.go("#/try")
    box = page.get_by_label("Records, as CSV or JSON")
    await expect(box).to_have_attribute("placeholder", re.compile('^letter,amount,channel,title\n"It came'))
    await expect(page.get_by_text("or line breaks: “letter”, “title”")).to_be_visible()
    await box.fill(OWN)
    await page.get_by_text("At once, nothing stored").click()
    await page.get_by_role("button", name="Score 2 records").click()
    rows = page.get_by_role("region", name="Scored at once").get_by_role("row")
    await expect(rows.nth(1)).to_contain_text('letter Late, and "broken". Refund; please; now')
    await expect(rows.nth(2)).to_contain_text("letter missing")
    await visitor.check_accessible()
    await page.get_by_text("Through the stream").click()
    async with page.expect_response(lambda one: one.url.endswith("/v1/batches")):
        await page.get_by_role("button", name="Send 2 records").click()
    (message,) = await asyncio.to_thread(messages, visitor.site.settings, "ingest")
    sent = msgpack.unpackb(message.value())["features"]
    assert sent == [['Late, and "broken".\n\nRefund; please; now', 9.0, "web", "Help"], [None, 1.0, "mail", "a; b"]]
