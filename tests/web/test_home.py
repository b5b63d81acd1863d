"""Home: how the stream, the model and the reviewers are doing, from real rows and heartbeats."""

from __future__ import annotations

import asyncio
import re
import time

from playwright.async_api import Browser, Page, expect

from relearn.agents.stores.live.checkpoint import read_news
from relearn.agents.stores.live.heartbeats import send_heartbeat
from relearn.agents.stores.training.jobs import end_job, queue_job
from relearn.schemas.http.events import ResetEvent
from relearn.schemas.messages.commands import Command
from relearn.schemas.settings import Settings
from tests.support.api.filled import review
from tests.support.data import retrains, reviewed
from tests.support.data.heartbeats import beat_of
from tests.support.data.registered import register
from tests.support.data.rows import query
from tests.support.page.retraining import asked, obeyed
from tests.support.page.site import Site
from tests.support.page.visit import PHONE, Visit, visit

OTHER = {"yes": "no", "no": "yes"}


async def with_audits(site: Site, version: int) -> None:
    """30 records that the model answered, each audited: 5 of them wrong."""
    offsets, answers = await asyncio.to_thread(answered, site.settings, version)
    said = [OTHER[one] for one in answers[:5]] + answers[5:]
    for offset, label in zip(offsets, said, strict=True):
        await review(site.client.context.pool, offset, f"0-{offset}-0", label, via="audit")


def answered(settings: Settings, version: int) -> tuple[list[int], list[str]]:
    """30 records that the model answered: their offsets and its labels."""
    features, _ = reviewed.records(30, seed=version)
    return reviewed.predict(settings, features, reviewed.model_of(settings, version), activation=version)[:2]


async def test_without_a_model_it_says_how_to_make_one(browser: Browser, site: Site) -> None:
    for size in (PHONE, (1440, 900)):
        async with visit(browser, site, size=size) as one:
            await one.go()
            await expect(one.page.get_by_text("relearn model train --data digits", exact=True)).to_be_visible()
            await expect(one.page.get_by_text("No worker is running")).to_be_visible()
            await expect(one.page.get_by_text("no champion yet: the first model is trained")).to_be_visible()
            await one.check_narrow()
            await one.check_accessible()


async def test_without_records_it_leads_to_where_some_can_be_sent(visitor: Visit, page: Page) -> None:
    """And the accuracy is shown as unknown."""
    await asyncio.to_thread(retrains.load, visitor.site.settings)
    await asyncio.to_thread(register, visitor.site.settings)
    await visitor.go()
    main = page.get_by_role("main")
    await expect(main.get_by_role("link", name="Try it")).to_have_attribute("href", "#/try")
    champion = page.get_by_role("region", name="Champion")
    await expect(champion.get_by_role("link", name="Model 1")).to_have_attribute("href", "#/models/1")
    await expect(champion).to_contain_text("no audit of model 1 has been reviewed yet")
    await expect(champion.get_by_role("link", name="Review some")).to_be_visible()


async def test_counts_accuracy_and_the_policy_are_told_in_numbers_and_words(visitor: Visit, page: Page) -> None:
    await with_audits(visitor.site, 1)
    await visitor.go()
    champion = page.get_by_role("region", name="Champion")
    await expect(champion).to_contain_text("83.3% right with 95 % confidence 66.4% to 92.7%")
    await expect(champion).to_contain_text("its audits alone, whose records were chosen at random: 25 of 30 confirmed")
    policy = page.get_by_role("region", name="Next training")
    await expect(policy).to_contain_text("30 of 100 labels until the next training")
    await expect(policy).to_contain_text("5 of 20 corrections")
    await expect(policy).to_contain_text("30 of 100 labels")
    counts = page.get_by_role("region", name="Counts")
    for words in ("Records30", "Corrections5of 30 statements", "Confirmations25", "Dead letters0"):
        await expect(counts).to_contain_text(words)
    await expect(page.get_by_role("img", name=re.compile(r"^Accuracy\. 83\.3% now\."))).to_be_visible()
    await visitor.check_accessible()


async def test_a_worker_that_answers_with_an_older_model_is_visible_as_such(visitor: Visit, page: Page) -> None:
    redis, namespace = visitor.site.client.context.redis, visitor.site.settings.namespace
    for number, activation in ((1, 1), (2, 0)):
        beat = beat_of(f"score-{number}", "score", model=1, activation=activation, lag=3, condition="ready")
        notices = [{"code": "retrying", "detail": "Kafka: no leader", "since": time.time()}] if number == 2 else []
        await send_heartbeat(redis, namespace, {**beat, "notices": notices}, tell=True)
    await visitor.go()
    await expect(page.get_by_role("row", name=re.compile("score-1.*ready.*model 1"))).not_to_contain_text("behind")
    await expect(page.get_by_role("row", name=re.compile("score-2.*ready.*model 1"))).to_contain_text("behind")
    await expect(page.get_by_role("region", name="Counts")).to_contain_text("score 6")
    await expect(page.get_by_role("list", name="Notices")).to_contain_text("retrying score-2, since")
    await visitor.check_accessible()


async def test_a_swap_is_told_with_what_was_before_and_charts_outlive_the_screen(visitor: Visit, page: Page) -> None:
    site = visitor.site
    await visitor.go()
    chart = page.get_by_role("img", name=re.compile(r"^Throughput\. "))
    began = re.search(r"since [\d:]+", str(await chart.get_attribute("aria-label")))
    assert began is not None
    await site.heard()
    await asyncio.to_thread(register, site.settings)
    await site.tell(*await read_news(site.client.context.pool, [], 1))
    await expect(page.get_by_role("status").get_by_text("Model 2 answers now (was 1)")).to_be_visible()
    await expect(page.get_by_role("region", name="Champion")).to_contain_text("Model 2")
    await page.get_by_role("link", name="Try it").first.click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Try it")
    await page.go_back()
    await expect(chart).to_have_attribute("aria-label", re.compile(f"{began[0]}\\.$"))


async def test_while_on_hold_that_is_said_and_one_button_ends_it(visitor: Visit, page: Page) -> None:
    site = visitor.site
    async with site.client.context.pool.acquire() as connection, connection.transaction():
        await queue_job(connection, Command("h", "hold", {"trigger": "manual"}, by="ann"))
        await end_job(connection, "h", "promoted")
    await visitor.go()
    await site.heard()
    card = page.get_by_role("region", name="On hold")
    await expect(card).to_contain_text("No model is trained or promoted by itself: held by ann at ")
    next_training = page.get_by_role("region", name="Next training")
    await expect(next_training).to_contain_text("on hold: held by ann at ")
    await expect(next_training).to_contain_text("nothing is trained or promoted by itself until it is resumed")
    await expect(next_training).to_contain_text(re.compile("since .* ago"))
    await visitor.check_accessible()
    await card.get_by_role("button", name="Resume").click()
    command = await asked(site, 0)
    assert (command.command, command.reason) == ("resume", {"trigger": "manual"})
    await obeyed(site, command)
    await expect(page.get_by_text("Models are trained and promoted by themselves again")).to_be_visible()
    await expect(card).to_be_hidden()


async def test_what_no_training_has_known_is_an_alert(visitor: Visit, page: Page) -> None:
    """More than three times 20 corrections. A command in its text is shown as such."""
    features, _ = reviewed.records(61, seed=9)
    settings = visitor.site.settings
    model = await asyncio.to_thread(reviewed.model_of, settings, 1)
    offsets, answers, _ = await asyncio.to_thread(reviewed.predict, settings, features, model)
    await asyncio.to_thread(reviewed.review, settings, offsets, [OTHER[one] for one in answers])
    hold = Command("held-again", "hold", {"trigger": "manual"}, by="bob")
    async with visitor.site.client.context.pool.acquire() as connection, connection.transaction():
        await queue_job(connection, hold)
        await end_job(connection, hold.id, "promoted")
    await visitor.go()
    alert = page.get_by_text("corrections are known to no training, more than 3 times 20")
    await expect(alert).to_be_visible()
    await expect(alert.locator("code")).to_have_text("relearn model resume")
    await visitor.check_accessible()
    await obeyed(visitor.site, Command("resumed-again", "resume", {"trigger": "manual"}, by="bob"))
    await expect(alert).to_contain_text("start a retrain worker if none is ready")


async def test_what_has_drifted_is_named(visitor: Visit, page: Page) -> None:
    insert = "INSERT INTO drift (activation, model, state, drifted) VALUES (2, 2, '{}', '{x2,margin,a,b}')"
    await asyncio.to_thread(query, visitor.site.settings, insert)
    await visitor.go()
    await expect(page.get_by_text("Drift in x2, margin, a and 1 more: records no longer look")).to_be_visible()
    await expect(page.get_by_role("link", name="See how far")).to_have_attribute("href", "#/drift")


async def test_all_of_it_fits_a_phone(browser: Browser, site: Site) -> None:
    await with_audits(site, 2)
    await asyncio.to_thread(register, site.settings, "shadow")
    async with visit(browser, site, size=PHONE) as one:
        await one.go()
        await expect(one.page.get_by_role("region", name="Model 3 answers as a shadow")).to_be_visible()
        await expect(one.page.get_by_role("img", name=re.compile("^Accuracy"))).to_be_visible()
        await one.check_narrow()
        await one.check_accessible()


async def test_what_is_told_again_or_late_is_no_swap(visitor: Visit, page: Page) -> None:
    """The same activation, the same model with another signature, and an older activation."""
    site = visitor.site
    await visitor.go()
    await expect(page.get_by_role("region", name="Champion")).to_contain_text("Model 2")
    await site.heard()
    news = await read_news(site.client.context.pool, [], 0)
    await site.tell(*news, ResetEvent("a test"))
    async with page.expect_response(lambda answer: answer.url.endswith("/v1/stats")):
        await site.tell(ResetEvent("a test"))
    await expect(page.get_by_text("answers now")).to_have_count(0)


async def test_what_was_seen_is_thinned_and_never_grows_beyond_its_bound(visitor: Visit, page: Page) -> None:
    """Its whole time stays, evenly; where nothing was heard for long, the line has a gap."""
    code = """async () => {
        const { NOTHING, added } = await import("/web/history.js");
        let history = NOTHING;
        let most = 0;
        for (let at = 1; at <= 5000; at++) {
            history = added(history, { at, scored: at, stored: 0, estimate: null, low: null, high: null }, 100);
            most = Math.max(most, history.columns.at.length);
        }
        const { at, scored } = history.columns;
        const steps = at.slice(1).map((one, i) => one - at[i]);
        const unevenness = Math.max(...steps) / Math.min(...steps);
        const gap = added(history, { at: 9000, scored: 1 }, 100).columns.scored.slice(-2);
        return [most, at[0], at.at(-1), unevenness, scored.every((one, i) => one === at[i]), gap];
    }"""
    await visitor.go()
    most, first, last, unevenness, whole, gap = await page.evaluate(code)
    assert most <= 101
    assert first < 200
    assert last > 4900
    assert unevenness <= 3
    assert whole
    assert gap == [None, 1]
