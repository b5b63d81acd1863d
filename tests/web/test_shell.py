"""What every screen stands in: navigation, theme, banner, key, and what a reader with other means finds there."""

from __future__ import annotations

import asyncio
import re

from playwright.async_api import Browser, Page, Route, expect

from relearn.agents.stores.live.events import put_events
from relearn.schemas.http.events import ModelEvent
from relearn.schemas.settings import Settings
from tests.support.data.keyed import a_key
from tests.support.page.site import Site
from tests.support.page.visit import PHONE, Visit, visit
from tests.support.waiting import eventually_async

SCREENS = {
    "#/": "Home",
    "#/review": "Review",
    "#/models": "Models",
    "#/try": "Try it",
    "#/batches": "Batches",
    "#/jobs": "Jobs",
    "#/drift": "Drift",
    "#/dead-letters": "Dead letters",
}
AWAY = ("/v1/", "/web/icon.svg")  # Chromium fetches the icon when it likes


async def test_every_screen_is_reached_by_the_navigation(visitor: Visit, page: Page) -> None:
    """Its heading gets the focus, or the field that comes first, and the window its title; going back works."""
    await visitor.go()
    for address, name in SCREENS.items():
        link = page.get_by_role("navigation").get_by_role("link", name=name, exact=True)
        await link.click()
        await expect(page).to_have_title(f"{name} · Relearn")
        await expect(link).to_have_attribute("aria-current", "page")
        heading = page.get_by_role("heading", level=1, name=name)
        await expect(heading).to_be_visible()
        if address != "#/":
            await expect(page.get_by_label("Your name") if name == "Review" else heading).to_be_focused()
        assert page.url.endswith(address)
    await page.go_back()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Drift")


async def test_an_address_that_is_none_says_so(visitor: Visit, page: Page) -> None:
    await visitor.go("#/elsewhere/%E0%A4%A")
    await expect(page.get_by_role("heading", level=1)).to_have_text("There is nothing here")
    await page.get_by_role("link", name="Go to the start").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Home")


async def test_the_theme_follows_the_system_until_it_is_set_and_is_kept(visitor: Visit, page: Page) -> None:
    background = "getComputedStyle(document.documentElement).backgroundColor"
    await visitor.go()
    light = await page.evaluate(background)
    await page.emulate_media(color_scheme="dark")
    dark = await page.evaluate(background)
    assert dark != light
    await page.get_by_role("radio", name="Light").check(force=True)
    assert await page.evaluate(background) == light
    await page.reload()
    await expect(page.get_by_role("radio", name="Light")).to_be_checked()
    assert await page.evaluate(background) == light
    await page.get_by_role("radio", name="As the system").check(force=True)
    assert await page.evaluate(background) == dark


async def test_the_api_away_is_told_and_the_page_is_well_again_by_itself(visitor: Visit, page: Page) -> None:
    """Everything is read again, without a reload."""
    visitor.may_fail(*AWAY)
    await visitor.go()
    await _listens(visitor.site)
    await page.evaluate("window.notReloaded = true")
    banner = page.get_by_text("The API is away.")
    await visitor.site.stop()
    await expect(banner).to_be_visible(timeout=30_000)
    await expect(page.get_by_text(re.compile(r"Trying again in \d+ s\."))).to_be_visible()
    async with page.expect_response(lambda answer: answer.url.endswith("/v1/retraining")):
        await visitor.site.start()
        await visitor.try_now()
    await expect(banner).to_be_hidden(timeout=30_000)
    assert await page.evaluate("window.notReloaded")


async def test_the_page_comes_back_without_a_hand(visitor: Visit, page: Page) -> None:
    visitor.may_fail(*AWAY)
    await visitor.go()
    await _listens(visitor.site)
    await visitor.site.stop()
    await expect(page.get_by_text("The API is away.")).to_be_visible(timeout=30_000)
    await visitor.check_accessible()
    await visitor.site.start()
    await expect(page.get_by_text("The API is away.")).to_be_hidden(timeout=60_000)


async def test_a_swap_is_told_on_every_screen_as_it_happens(visitor: Visit, page: Page) -> None:
    await visitor.go("#/drift")
    await _listens(visitor.site)
    context = visitor.site.client.context
    swap = ModelEvent(3, "champion", 7, "job", None, {}, "2026-01-31T12:00:00+00:00")
    async with context.redis.pipeline() as pipe:
        put_events(pipe, context.settings.namespace, swap)
        await pipe.execute()
    await expect(page.get_by_role("status").get_by_text("Model 7 answers now")).to_be_visible()
    await visitor.check_accessible()


async def test_the_first_tab_stop_skips_the_navigation(visitor: Visit, page: Page) -> None:
    await visitor.go("#/jobs")
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("main")).to_be_focused()
    assert page.url.endswith("#/jobs")


async def test_on_a_phone_everything_is_within_reach(browser: Browser, site: Site) -> None:
    """The bar at the bottom has the most used screens; More has the rest, and closes after a step to another screen."""
    async with visit(browser, site, size=PHONE) as one:
        await one.go()
        page = one.page
        drift = page.get_by_role("link", name="Drift")
        await expect(drift).to_be_hidden()
        await one.check_accessible()
        await page.get_by_role("button", name="More").click()
        await one.check_accessible()
        await one.check_narrow()
        await drift.click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Drift")
        await expect(drift).to_be_hidden()


async def test_a_key_is_asked_for_once_and_held_for_the_tab_alone(browser: Browser, site_settings: Settings) -> None:
    """Last in this file: once there is a key, every request needs one."""
    key = await a_key(site_settings, "review")
    site = Site(site_settings)
    await site.start()
    try:
        async with visit(browser, site) as one:
            one.may_fail(*AWAY)
            page = one.page
            await one.go()
            prompt = page.get_by_role("dialog", name="A key is needed")
            await expect(prompt).to_be_visible()
            await one.check_accessible()
            slow = await _held_back(page, "**/v1/stats")
            await page.get_by_label("API key").fill("wrong")
            await page.keyboard.press("Enter")
            await expect(prompt).to_contain_text("is unknown or revoked")
            await page.keyboard.press("Escape")
            await expect(page.get_by_text("A key is needed to see anything here.")).to_be_visible()
            async with page.expect_response("**/v1/stats"):
                slow.set()
            await page.evaluate("new Promise(requestAnimationFrame)")
            await expect(prompt).to_have_count(0)
            await page.get_by_role("button", name="Enter a key").click()
            await page.get_by_label("API key").fill(key)
            async with page.expect_response(lambda answer: answer.url.endswith("/v1/jobs?limit=50") and answer.ok):
                await page.keyboard.press("Enter")
            await expect(prompt).to_be_hidden()
            await page.reload()
            await expect(page.get_by_role("heading", level=1)).to_be_visible()
            await expect(prompt).to_be_hidden()
            assert await page.evaluate("Object.values(localStorage).length") == 0
            other = await page.context.new_page()
            await other.goto(f"{site.url}/")
            await expect(other.get_by_role("dialog", name="A key is needed")).to_be_visible()
    finally:
        await site.stop()


async def _held_back(page: Page, url: str) -> asyncio.Event:
    """Responses from `url` reach the page only once the event is set: those to requests of before included."""
    released = asyncio.Event()

    async def hold(route: Route) -> None:
        response = await route.fetch()
        await released.wait()
        await route.fulfill(response=response)

    await page.route(url, hold)
    return released


async def _listens(site: Site) -> None:
    """Waits until the page is connected to the live events."""
    await eventually_async(lambda: site.client.context.events.clients > 0, "no page is connected to the events")
