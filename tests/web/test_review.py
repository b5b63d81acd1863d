"""The review screen: one record after the other, by keys, mouse and touch, and no review is lost."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import numpy as np
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from relearn.schemas.model.linear_svm import Model
from relearn.schemas.settings import Settings
from tests.support.data.keyed import a_key
from tests.support.data.models import a_model
from tests.support.page.judged import FeedbackRole, champion, predicted
from tests.support.page.site import Site
from tests.support.page.visit import PHONE, Visit, visit
from tests.support.servers.namespaces import Namespaces, as_owner
from tests.support.waiting import eventually_async

#: The page reads the state of a review that isn't recorded for 10 s.
SILENT = "/v1/feedback/"


@pytest.fixture(scope="module")
def site_settings(namespaces: Namespaces, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Nothing is chosen at random: that would be blind."""
    settings = namespaces.fresh(tmp_path_factory.mktemp("site"))
    return settings.model_copy(update={"audit_share": 0.0})


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def model(site: Site) -> Model:
    return await champion(site)


@pytest_asyncio.fixture(loop_scope="session")
async def role(site: Site, visitor: Visit) -> AsyncIterator[FeedbackRole]:
    """The feedback role of one test, which leaves nothing that is claimed to the next."""
    visitor.may_fail(SILENT)
    await _as(visitor, "ann")
    yield FeedbackRole(site)
    await site.client.context.pool.execute("DELETE FROM predictions")


async def _as(visitor: Visit, name: str) -> None:
    """A reviewer whose name is stored."""
    await visitor.page.add_init_script(f"localStorage.setItem('relearn.reviewer', '{name}')")


def _activate(site: Site, model: Model) -> None:
    """Let the site serve another model than before."""
    live = site.client.context.live.current
    site.client.serve(model, 1 if live is None else live.activation + 1)


def _shown(page: Page) -> Locator:
    return page.get_by_role("heading", level=2, name=re.compile("^What is "))


async def _prediction(page: Page) -> str:
    """The one that is shown."""
    return await page.locator(".record .facts .mono").inner_text()


async def test_records_are_judged_by_keyboard_alone(
    visitor: Visit, page: Page, model: Model, role: FeedbackRole
) -> None:
    """Confirm, correct, skip, can't tell, undo; each is in Kafka with its label, in order."""
    await predicted(visitor.site, model, 5, contexts=["A short text for a person."] * 5)
    await visitor.go("#/review")
    await expect(page.get_by_text("A short text for a person.")).to_be_visible()
    first = await _prediction(page)
    label = await page.locator(".explained strong").inner_text()
    other = {"yes": "no", "no": "yes"}[label]
    await page.keyboard.press("Enter")
    await expect(page.locator(".record .facts .mono")).not_to_have_text(first)
    await expect(_shown(page)).to_be_focused()
    await expect(page.locator(".last")).to_have_text(f"You said {label}, and so had the model, 62.5% sure")
    skipped = await _prediction(page)
    await page.keyboard.press("s")
    untold = await _prediction(page)
    await page.keyboard.press("t")
    await expect(page.get_by_text("You couldn't tell the last one")).to_be_visible()
    await page.keyboard.press("u")
    await expect(page.locator(".record .facts .mono")).to_have_text(untold)
    await page.keyboard.press("t")
    await page.keyboard.press("u")
    await page.keyboard.press("u")
    await expect(page.locator(".record .facts .mono")).to_have_text(first)
    await page.keyboard.press("1" if other == "no" else "2")
    await expect(page.locator(".last")).to_contain_text(f"You said {other}; the model had said {label}")
    said = await role.wait_for((first, label), (first, None), (first, other))
    assert [one.label for one in said] == [label, None, other]
    assert {(one.reviewer, one.via) for one in said} == {("ann", "queue")}
    tally = page.locator(".tally")
    await expect(tally).to_contain_text(re.compile(r"1 answered\s*0 recorded\s*1 under way"))
    assert await role.record() == 3
    await expect(tally).to_contain_text(re.compile(r"1 answered\s*1 recorded\s*0% agree"))
    left = {await _prediction(page) for _ in range(3) if await page.keyboard.press("s") is None}
    assert len(left | {untold}) == 4
    assert skipped in left | {untold}


async def test_a_record_explains_itself(visitor: Visit, page: Page, model: Model, role: FeedbackRole) -> None:
    """The bars' two sides are the classes, the lines sum to the margin. While the help stands, keys are its own."""
    [prediction] = await predicted(visitor.site, model, 1, batches=["b/1"], ids=["order 17"])
    await visitor.go("#/review")
    await expect(_shown(page)).to_have_text(re.compile("^What is record"))
    found = await visitor.site.client.json("GET", f"/v1/predictions/{prediction}")
    bars = page.locator(".signed-bars")
    await expect(bars.locator("thead")).to_contain_text(re.compile("◂ no.*yes ▸"))
    await expect(bars.locator("tfoot")).to_contain_text(f"{found['margins'][0]:+.3g}")
    features = page.locator(".features")
    await expect(features.get_by_role("row")).to_have_count(5)
    await expect(page.get_by_role("link", name="b/1")).to_have_attribute("href", "#/batches/b%2F1")
    await expect(page.get_by_text("order 17")).to_be_visible()
    await visitor.check_accessible()
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    box = await page.get_by_role("dialog", name="Keys").bounding_box()
    assert box is not None
    assert page.viewport_size is not None
    assert 2 * box["x"] + box["width"] == pytest.approx(page.viewport_size["width"], abs=2), "in the middle"
    await page.keyboard.press("1")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_be_hidden()
    await expect(page.locator(".tally")).to_contain_text("0 answered")


async def test_what_another_model_answered_is_explained_too(
    visitor: Visit, page: Page, model: Model, role: FeedbackRole
) -> None:
    """By the prediction itself: the queue knows the live one alone."""
    await predicted(visitor.site, model, 1)
    _activate(visitor.site, a_model(99, classes=("no", "yes")))
    await visitor.go("#/review")
    await expect(page.get_by_role("link", name=f"model {model.version}")).to_be_visible()
    await expect(page.locator(".signed-bars tfoot")).to_be_visible()
    _activate(visitor.site, model)


async def test_a_picture_is_drawn_as_one(visitor: Visit, page: Page, role: FeedbackRole) -> None:
    """Labels that are digits have their own keys."""
    names = tuple(f"pixel_{i // 4}_{i % 4}" for i in range(16))
    plain = a_model(98, d=16, classes=("3", "5", "8"))
    model = Model(98, plain.classes, names, plain.weights, plain.bias, plain.mean, plain.scale)
    _activate(visitor.site, model)
    [prediction] = await predicted(visitor.site, model, 1, np.arange(16.0)[None, :])
    await visitor.go("#/review")
    await expect(page.get_by_role("img", name="The record as a picture of 4 by 4 pixels")).to_be_visible()
    await expect(page.get_by_role("img", name="Which pixels pushed which way")).to_be_visible()
    await page.keyboard.press("8")
    await role.wait_for((prediction, "8"))


async def test_of_many_labels_one_is_found_by_typing(visitor: Visit, page: Page, role: FeedbackRole) -> None:
    """Keys belong to the field while it has the focus; a label that no model knows can be given too."""
    model = a_model(97, classes=tuple(f"kind {i}" for i in range(40)))
    _activate(visitor.site, model)
    one, other = await predicted(visitor.site, model, 2)
    await visitor.go("#/review")
    await expect(page.get_by_role("button", name=re.compile("^kind"))).to_have_count(4)
    shown = await _prediction(page)
    second = other if shown == one else one
    await page.keyboard.press("/")
    await page.keyboard.type("kind 31")
    await visitor.check_accessible()
    await page.keyboard.press("Enter")
    await page.get_by_label("Find a label").fill("stu")
    await page.get_by_role("button", name="New label “stu”").click()
    await role.wait_for((shown, "kind 31"), (second, "stu"))
    _activate(visitor.site, a_model(96, classes=("no", "yes")))


@pytest.mark.parametrize("size", [(1280, 800), PHONE], ids=["laptop", "phone"])
@pytest.mark.parametrize("share", [0.0, 1.0], ids=["seen", "blind"])
async def test_many_long_labels_leave_the_record_in_view(
    browser: Browser, site_settings: Settings, model: Model, size: tuple[int, int], share: float
) -> None:
    """Whether they are looked for or not: the bar scrolls for itself. Of a blind record none is nearer than others."""
    site = Site(site_settings.model_copy(update={"audit_share": share}))
    await site.start()
    try:
        many = a_model(95, classes=tuple(f"topic number {i} with a rather long name" for i in range(20)))
        site.client.serve(many)
        await predicted(site, many, 1)
        async with visit(browser, site, size=size) as one:
            page = one.page
            await _as(one, "ann")
            await one.go("#/review")
            await expect(_shown(page)).to_be_visible()
            labels = page.get_by_role("group", name="The right label").get_by_role("button", name="topic")
            await expect(labels).to_have_count(0 if share else 4)
            for shown in (0 if share else 4, 20, 1):
                if shown == 20:
                    await page.keyboard.press("/")
                elif shown == 1:
                    await page.keyboard.type("number 7")
                await expect(labels).to_have_count(shown)
                assert await page.evaluate(_COVERED) < 0.5
                await expect(page.locator("#record-title")).to_be_in_viewport(ratio=1)
                if not share:
                    await expect(page.locator(".confirm")).to_be_in_viewport(ratio=1)
                await one.check_narrow()
            await one.check_accessible()
            found = await labels.bounding_box()
            assert found
            assert found["width"] > 200
            await expect(labels).to_be_in_viewport(ratio=1)
        await site.client.context.pool.execute("DELETE FROM predictions")
    finally:
        await site.stop()


#: How much of the window the bar takes.
_COVERED = "document.querySelector('.answer-bar').getBoundingClientRect().height / innerHeight"


#: Where the bar ends, beside the window's own edge; and whether a message at a swap covers any of it.
_BAR = """async () => {
    const { showToast } = await import("/web/toasts.js");
    showToast("A message of some length, as at a swap: model 12 answers now");
    await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
    const [bar, toast] = [".answer-bar", ".toast"].map((one) => document.querySelector(one).getBoundingClientRect());
    return { bar: bar.right, window: document.documentElement.clientWidth, covers: toast.bottom > bar.top };
}"""


@pytest.mark.parametrize(
    ("size", "rows"), [((1280, 800), 1), ((1920, 1080), 1), (PHONE, 3)], ids=["laptop", "desktop", "phone"]
)
async def test_ten_digits_take_few_rows_and_nothing_moves_after_the_first_answer(
    browser: Browser, site: Site, model: Model, role: FeedbackRole, size: tuple[int, int], rows: int
) -> None:
    digits = a_model(94, classes=tuple("0123456789"))
    _activate(site, digits)
    await predicted(site, digits, 2)
    async with visit(browser, site, size=size) as one:
        one.may_fail(SILENT)
        page = one.page
        await _as(one, "ann")
        await one.go("#/review")
        await expect(_shown(page)).to_be_visible()
        before = await page.locator("#record-title").bounding_box()
        tops = await page.evaluate("[...document.querySelectorAll('.answer-bar button')].map((one) => one.offsetTop)")
        assert len(tops) == 14
        assert len(set(tops)) == rows
        found = await page.evaluate(_BAR)
        assert (found["bar"], found["covers"]) == (found["window"], False)
        await page.keyboard.press("3")
        await expect(page.locator(".last")).to_contain_text("You said 3")
        assert (await page.locator("#record-title").bounding_box())["y"] == before["y"]


async def test_what_was_said_while_the_api_is_away_arrives_later(
    visitor: Visit, page: Page, model: Model, role: FeedbackRole
) -> None:
    """Also after a reload. Reviewing goes on meanwhile, a banner is shown, and closing the tab asks first."""
    visitor.may_fail("/v1/", "/web/icon.svg")
    _activate(visitor.site, model)
    ids = await predicted(visitor.site, model, 3)
    await visitor.go("#/review")
    await expect(_shown(page)).to_be_visible()
    await visitor.site.stop()
    said = []
    for _ in range(2):
        said.append((await _prediction(page), "yes"))
        await page.keyboard.press("2")
    await expect(page.get_by_text("2 answers not sent yet.")).to_be_visible()
    await expect(page.locator(".tally")).to_contain_text(re.compile(r"2 answered\s*0 recorded\s*2 under way"))
    assert {one for one, _ in said} < set(ids)
    async with page.expect_event("dialog") as asked:
        await page.close(run_before_unload=True)
    dialog = await asked.value
    assert dialog.type == "beforeunload"
    await dialog.dismiss()
    await visitor.site.start()
    page.on("dialog", lambda again: asyncio.ensure_future(again.accept()))
    await page.reload()
    await expect(page.get_by_text("not sent yet")).to_be_hidden()
    await role.wait_for(*said)


_UNREADABLE = """() => addEventListener("pagehide", () => {
    const kept = Object.keys(sessionStorage).filter((name) => name.startsWith("relearn.review@"));
    for (const name of kept) sessionStorage.setItem(name, "{");
    if (kept.length !== 1) throw new Error(kept.join());
})"""


async def test_a_tab_keeps_each_deployments_records_to_itself(
    visitor: Visit, page: Page, model: Model, role: FeedbackRole
) -> None:
    """Another deployment at the same address: what was claimed and answered in the first one isn't there, nor lost.

    What wasn't sent yet is not sent to the other one, which may have a record of the same id.
    """
    visitor.may_fail("/")
    site, tally = visitor.site, page.locator(".tally")
    _activate(site, model)
    await predicted(site, model, 4)
    await visitor.go("#/review")
    first = await _prediction(page)
    await page.keyboard.press("1")
    await expect(page.locator(".record .facts .mono")).not_to_have_text(first)
    await role.wait_for((first, "no"))
    await site.stop()
    unsent = await _prediction(page)
    await page.keyboard.press("1")
    await expect(page.locator(".record .facts .mono")).not_to_have_text(unsent)
    shown = await _prediction(page)
    await expect(page.get_by_text("1 answer not sent yet.")).to_be_visible()
    for moved, answered in (("+ 1", "0 answered"), ("- 1", "2 answered")):
        # While nothing answers: a page that learns of it from a server that is about to stop reloads into nothing.
        await site.stop()
        await as_owner(site.settings, f"UPDATE migrations SET at = at {moved} * interval '1 second'")
        await site.start()
        _activate(site, model)
        await expect(tally).to_contain_text(answered)
        if moved == "+ 1":
            await expect(page.get_by_text("not sent yet")).to_be_hidden()
            assert [str(one.prediction) for one in await role.sent()].count(unsent) == 0
    await expect(page.locator(".record .facts .mono")).to_have_text(shown)
    await role.wait_for((first, "no"), (unsent, "no"))


async def test_a_reload_loses_neither_the_records_nor_what_was_answered(
    visitor: Visit, page: Page, model: Model, role: FeedbackRole
) -> None:
    """No more is claimed than before; a tab that is opened beside it gets others; what can't be read is left alone."""
    _activate(visitor.site, model)
    await predicted(visitor.site, model, 12)
    await visitor.go("#/review")
    first = await _prediction(page)
    await page.keyboard.press("1")
    await expect(page.locator(".record .facts .mono")).not_to_have_text(first)
    await page.keyboard.press("s")
    shown, wait = await _prediction(page), await page.locator(".tally").inner_text()
    await role.wait_for((first, "no"))
    await page.reload()
    await expect(page.locator(".record .facts .mono")).to_have_text(shown)
    await expect(page.locator(".tally")).to_have_text(re.compile(r"1 answered\s*0 recorded\s*1 under way.*2 more wait"))
    assert "2 more wait" in wait
    async with page.expect_popup() as opened:
        await page.evaluate("void open(location.href)")
    beside = await opened.value
    await expect(_shown(beside)).to_be_visible()
    await expect(beside.locator(".tally")).to_have_text(re.compile("0 answered.*0 more wait"))
    assert await _prediction(beside) not in {first, shown}
    await beside.close()
    await page.keyboard.press("u")
    await expect(page.locator(".record .facts .mono")).to_have_text(first)
    await expect(page.locator(".tally")).to_contain_text("0 answered")
    await expect(page.locator(".last")).to_have_text("Your answer to this record was taken back")
    await role.wait_for((first, "no"), (first, None))
    await page.evaluate(_UNREADABLE)
    await page.reload()
    await expect(page.get_by_text("Nothing waits for review")).to_be_visible()
    await expect(page.locator(".tally")).to_contain_text("0 answered")


async def test_the_figures_of_many_answers_survive_a_reload(
    visitor: Visit, page: Page, model: Model, role: FeedbackRole
) -> None:
    """Of more answers than can be taken back, too."""
    _activate(visitor.site, model)
    await predicted(visitor.site, model, 60)
    await visitor.go("#/review")
    for number in range(1, 56):
        shown = await _prediction(page)
        await page.keyboard.press("1" if number < 6 else "Enter")
        await expect(page.locator(".record .facts .mono")).not_to_have_text(shown)
    figures = page.locator(".tally .aside").filter(has_text=re.compile("agree|each"))
    before = await figures.all_inner_texts()
    await page.reload()
    await expect(page.locator(".tally")).to_contain_text("55 answered")
    assert await figures.all_inner_texts() == before
    await page.keyboard.press("u")
    await expect(page.locator(".last")).to_have_text("Your answer to this record was taken back")
    await page.keyboard.press("s")
    await expect(page.locator(".last")).to_contain_text("You said")


async def test_what_cannot_be_used_is_told_and_can_be_let_go(
    visitor: Visit, page: Page, model: Model, role: FeedbackRole
) -> None:
    visitor.may_fail("/v1/feedback")
    _activate(visitor.site, model)
    await predicted(visitor.site, model, 2)
    await _as(visitor, "x" * 300)
    await visitor.go("#/review")
    await page.get_by_role("button", name=re.compile("^Confirm")).click()
    await expect(page.get_by_text("1 answer could not be used.")).to_be_visible()
    await expect(page.locator(".tally")).to_contain_text("1 failed")
    await page.get_by_role("button", name="Let go").click()
    await expect(page.get_by_text("could not be used")).to_be_hidden()


@pytest_asyncio.fixture(loop_scope="session")
async def audits(site_settings: Settings, model: Model) -> AsyncIterator[Site]:
    """An API that chooses each record at random, of two."""
    site = Site(site_settings.model_copy(update={"audit_share": 1.0}))
    await site.start()
    site.client.serve(model)
    await predicted(site, model, 2, batches=["b/2"] * 2)
    yield site
    await site.client.context.pool.execute("DELETE FROM predictions")
    await site.stop()


_REVEALED = re.compile("^You said yes(, and so had|; the model had)")


async def test_a_blind_record_is_answered_before_the_model_is_seen(browser: Browser, audits: Site) -> None:
    """On a phone, by touch; the model's answer is shown afterwards, beside the next record."""
    async with visit(browser, audits, size=PHONE, has_touch=True) as one:
        one.may_fail(SILENT)
        page = one.page
        await _as(one, "ann")
        await one.go("#/review")
        await expect(page.get_by_text("Chosen at random", exact=True)).to_be_visible()
        await expect(page.get_by_role("heading", name="The model's answer")).to_be_hidden()
        await expect(page.locator(".record a")).to_have_count(0)
        await expect(page.get_by_role("button", name=re.compile("^Confirm"))).to_be_hidden()
        await page.keyboard.press("c")
        await expect(page.get_by_text("The model's answer is kept back: say a label")).to_be_visible()
        await one.check_narrow()
        await one.check_accessible()
        await page.get_by_role("button", name="yes", exact=True).tap()
        await expect(page.locator(".last")).to_have_text(_REVEALED)
        await expect(page.get_by_text("Chosen at random", exact=True)).to_be_visible()
        [said] = await FeedbackRole(audits).wait_for((await _last(page), "yes"))
        assert said.via == "audit"


async def test_a_blind_answer_is_revealed_once_it_is_with_the_api(browser: Browser, audits: Site) -> None:
    """Also where the API was away when it was given."""
    async with visit(browser, audits) as one:
        one.may_fail("/v1/", "/web/icon.svg")
        page = one.page
        await _as(one, "ann")
        await one.go("#/review")
        await expect(_shown(page)).to_be_visible()
        await audits.stop()
        await page.keyboard.press("2")
        await expect(page.get_by_text("1 answer not sent yet.")).to_be_visible()
        await expect(page.locator(".last")).to_have_text("You said yes")
        await audits.start()
        await one.try_now()
        await expect(page.locator(".last")).to_have_text(_REVEALED)


async def test_who_has_seen_the_models_answer_does_not_audit_any_more(browser: Browser, audits: Site) -> None:
    """What is taken back after that comes again with the answer, and counts as a volunteer's."""
    async with visit(browser, audits) as one:
        one.may_fail(SILENT)
        page = one.page
        await _as(one, "ann")
        await one.go("#/review")
        shown = await _prediction(page)
        await page.keyboard.press("2")
        await expect(page.locator(".last")).to_have_text(_REVEALED)
        await page.keyboard.press("u")
        await expect(page.locator(".record .facts .mono")).to_have_text(shown)
        await expect(page.get_by_text("this doesn't count as an audit")).to_be_visible()
        await expect(page.locator(".signed-bars tfoot")).to_be_visible()
        await one.check_accessible()
        label = await page.locator(".explained strong").inner_text()
        await page.keyboard.press("Enter")
        said = await FeedbackRole(audits).wait_for((shown, "yes"), (shown, None), (shown, label))
        assert [one.via for one in said] == ["audit", "audit", "volunteer"]


async def _last(page: Page) -> str:
    """The prediction that was spoken of last: the one of two that isn't shown."""
    shown = await _prediction(page)
    found = await page.evaluate("fetch('/v1/predictions').then((answer) => answer.json())")
    return next(one["prediction"] for one in found["items"] if one["prediction"] != shown)


async def test_two_reviewers_never_see_the_same_record(
    browser: Browser, visitor: Visit, page: Page, model: Model, role: FeedbackRole
) -> None:
    """And each gives a name, which is asked for once."""
    _activate(visitor.site, model)
    await predicted(visitor.site, model, 14)
    async with visit(browser, visitor.site) as other:
        await other.go("#/review")
        await expect(other.page.get_by_text("Who reviews?")).to_be_visible()
        await other.check_accessible()
        await other.page.get_by_label("Your name").fill("bob")
        await other.page.keyboard.press("Enter")
        await expect(_shown(other.page)).to_be_visible()
        await visitor.go("#/review")
        await expect(_shown(page)).to_be_visible()
        await expect(page.get_by_text("You answer as ann")).to_be_visible()
        seen: list[str] = []
        for one in (other.page, page):
            mine: set[str] = set()
            while (shown := await _prediction(one)) not in mine:
                mine.add(shown)
                await one.keyboard.press("s")
            seen += mine
        assert len(seen) == len(set(seen)) == 14
        await other.page.reload()
        await expect(other.page.get_by_text("You answer as bob")).to_be_visible()


async def test_the_reviewers_name_can_be_typed_at_once(visitor: Visit, page: Page, model: Model) -> None:
    await visitor.go("#/review")
    await expect(page.get_by_label("Your name")).to_be_focused()
    await page.get_by_role("link", name="Models").click()
    await page.get_by_role("link", name="Review").click()
    await expect(page.get_by_label("Your name")).to_be_focused()
    await page.keyboard.type("eve")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("You answer as eve")).to_be_visible()
    await page.get_by_role("button", name="Change").click()
    await expect(page.get_by_label("Your name")).to_be_focused()


async def test_where_nothing_waits_it_says_what_to_do(
    visitor: Visit, page: Page, model: Model, role: FeedbackRole
) -> None:
    await visitor.go("#/review")
    await expect(page.get_by_text("Nothing waits for review")).to_be_visible()
    await visitor.check_accessible()
    await predicted(visitor.site, model, 1)
    await expect(_shown(page)).to_be_visible()


async def test_who_was_away_too_long_is_asked_before_more_is_claimed(
    browser: Browser, site_settings: Settings, model: Model
) -> None:
    """Other reviewers get the unanswered records."""
    site = Site(site_settings.model_copy(update={"review_claim_s": 2.0}))
    await site.start()
    try:
        site.client.serve(model)
        await predicted(site, model, 1)
        async with visit(browser, site) as one:
            await _as(one, "ann")
            await one.go("#/review")
            await expect(_shown(one.page)).to_be_visible()
            await expect(one.page.get_by_text("Your records went back to the others")).to_be_visible()

            async def others_get_it() -> bool:
                return len((await site.client.json("POST", "/v1/review-queue", json={}))["items"]) == 1

            await eventually_async(others_get_it, "no reviewer gets it")
            await one.page.keyboard.press("Enter")
            await expect(_shown(one.page)).to_be_visible()
    finally:
        await site.stop()


async def test_with_keys_the_keys_name_counts(browser: Browser, site_settings: Settings, model: Model) -> None:
    """No dialog requests another key. Last in this file: once there is a key, every request needs one."""
    key = await a_key(site_settings, "review", "carol")
    site = Site(site_settings)
    await site.start()
    try:
        site.client.serve(model)
        await predicted(site, model, 1)
        async with visit(browser, site) as one:
            one.may_fail("/v1/")
            await one.go("#/review")
            await one.page.get_by_label("API key").fill(key)
            await one.page.keyboard.press("Enter")
            await expect(one.page.get_by_text("You answer under your key's name")).to_be_visible()
            await expect(_shown(one.page)).to_be_visible()
            shown = await _prediction(one.page)
            await one.page.keyboard.press("1")
            [said] = await FeedbackRole(site).wait_for((shown, "no"))
            assert said.reviewer == "carol"
    finally:
        await site.stop()
