"""Models and jobs: lists, one alone, and what an operator asks for there."""

from __future__ import annotations

import asyncio
import csv
import json
import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from relearn.agents.learning.gate import gate, judge_first
from relearn.agents.learning.shadow_verdict import shadow_verdict
from relearn.agents.learning.significance import Tally
from relearn.schemas.messages.commands import Command
from relearn.schemas.settings import Settings
from tests.support.data import retrains, reviewed
from tests.support.data.keyed import a_key
from tests.support.data.registered import register
from tests.support.data.rows import query
from tests.support.page.retraining import asked, commands, job_of, judged, obeyed
from tests.support.page.site import Site
from tests.support.page.visit import PHONE, Visit, visit

TALLY = '{"fixed": 4, "broken": 1, "rows": 9}'
NOTED = "UPDATE jobs SET metrics = jsonb_set(metrics, '{shadow}', $1::jsonb) WHERE version = 4"
#: A trained model as one that was imported.
IMPORTED = """
WITH changed AS (
    UPDATE models SET example_ids = '{}', correction_ids = '{}', metrics = metrics - '{c,bootstrap}'::text[]
        || $2::jsonb WHERE version = $1 RETURNING job
)
UPDATE jobs SET command = 'import', reason = $3::jsonb, metrics = metrics - '{c,bootstrap,trained_on}'::text[]
    || $2::jsonb WHERE id = (SELECT job FROM changed)
"""
FILE = {"file": "ours.skops", "sha256": "ab" * 32, "estimator": "Pipeline(StandardScaler, LinearSVC)"}
LISTS = ("#/models", "#/models/2", "#/jobs")


def fill(settings: Settings) -> None:
    """Champions 1 and 2, a model 3 that was rejected, and a shadow 4, each judged; some corrections in between."""
    retrains.load(settings, 14)
    register(settings)
    judged(settings, 1, judge_first(0.857, 0.571, "yes"))
    features, truth = reviewed.records(40)
    offsets, answers, _ = reviewed.predict(settings, features, reviewed.model_of(settings, 1))
    wrong = [i for i in range(40) if answers[i] != truth[i]][:4]
    reviewed.review(settings, [offsets[i] for i in wrong], [truth[i] for i in wrong], by="<b>ann</b>")
    register(settings)
    judged(settings, 2, gate(Tally(12, 1, 40), Tally(4, 30, 90), vanished=(), alpha=0.05))
    retrains.load(settings, 6, seed=3, prefix="more")
    register(settings, "rejected")
    verdict = shadow_verdict(Tally(1, 4, 12), elapsed_s=60, labels_limit=30, time_limit_s=600)
    assert verdict is not None
    judged(settings, 3, verdict)
    retrains.load(settings, 4, seed=4, prefix="later")
    register(settings, "shadow")
    judged(settings, 4, gate(Tally(3, 2, 40), None, vanished=(), alpha=0.05))
    query(settings, NOTED, TALLY)


async def test_without_models_and_jobs_it_says_how_to_make_one(visitor: Visit, page: Page) -> None:
    """And a model that isn't there is no fault."""
    visitor.may_fail("/v1/models/7")
    for route in ("#/models", "#/jobs"):
        await visitor.go(route)
        await expect(page.get_by_text("relearn model train --data digits", exact=True)).to_be_visible()
        await expect(page.get_by_role("button", name="Train now")).to_be_disabled()
        await visitor.check_accessible()
    await visitor.go("#/models/7")
    await expect(page.get_by_text("There is no such model")).to_be_visible()


async def test_a_job_that_nobody_has_taken_yet_is_waited_for(visitor: Visit, page: Page) -> None:
    """Asked for here, shown while it is not there, and then as it stands: without an error, and without a reload."""
    visitor.may_fail("/v1/jobs/")
    site = visitor.site
    earlier = "INSERT INTO jobs (id, command, state, reason, ended_at) VALUES ('x', 'train', 'failed', '{}', now())"
    await asyncio.to_thread(query, site.settings, earlier)
    await visitor.go("#/jobs")
    await site.heard()
    await page.get_by_role("button", name="Train now").click()
    command = await asked(site, 0)
    assert (command.command, command.reason) == ("train", {"trigger": "manual"})
    await page.get_by_role("button", name="Show", exact=True).click()
    await expect(page.get_by_text("Waiting for a retrain worker to take it")).to_be_visible()
    await obeyed(site, command)
    steps = page.get_by_role("region", name="Progress")
    await expect(steps.get_by_role("listitem").filter(has_text="Asked for")).to_have_attribute("aria-current", "step")
    await expect(page.get_by_role("region", name="The job")).to_contain_text("asked for by hand")
    await visitor.check_accessible()
    end = "UPDATE jobs SET state = 'failed', error = 'it was a test', ended_at = now() WHERE id = $1"
    await asyncio.to_thread(query, site.settings, end, command.id)
    await asyncio.to_thread(query, site.settings, "DELETE FROM jobs WHERE id = 'x'")


async def test_a_job_or_a_prediction_that_cannot_be_there_is_not_waited_for(visitor: Visit, page: Page) -> None:
    """Nor is a record's own id answered with a regular expression."""
    visitor.may_fail("/v1/jobs/", "/v1/predictions/")
    for route, text in (
        ("#/jobs/nonsense", "There is no such job"),
        ("#/predictions/order-7", "A prediction's id is its record's place in Kafka"),
        ("#/predictions/0-0-99", "There is no prediction 0-0-99: it was never stored, or has expired."),
    ):
        await visitor.go(route)
        await expect(page.get_by_text(text)).to_be_visible()
        await visitor.check_accessible()


async def test_models_are_told_as_a_time_line_and_one_by_one(visitor: Visit, page: Page) -> None:
    await asyncio.to_thread(fill, visitor.site.settings)
    await visitor.go("#/models")
    reigns = page.get_by_role("region", name="Who answered").get_by_role("listitem")
    await expect(reigns).to_have_count(2)
    await expect(reigns.nth(0)).to_contain_text(re.compile(r"Model 2.*since .*Training: 20 corrections, by tests"))
    await expect(reigns.nth(1)).to_contain_text(re.compile(r"Model 1.* \u2013 "))
    rows = page.get_by_role("row")
    for version, words in ((4, "shadow"), (3, "rejected"), (2, "champion"), (1, "former")):
        await expect(rows.filter(has_text=f"Model {version}")).to_contain_text(words)
    await expect(rows.filter(has_text="Model 2")).to_contain_text("fixes 12, breaks 1 of 40 records")
    await expect(rows.filter(has_text="Model 1").get_by_role("button")).to_have_text("Roll back to 1")


async def test_versions_are_compared_on_the_same_rows_and_on_what_they_answered(visitor: Visit, page: Page) -> None:
    """Former ones too: the rows that were loaded, and the audits of each."""
    found = {one["version"]: one for one in (await visitor.site.client.json("GET", "/v1/models"))["items"]}
    await visitor.go("#/models")
    for version, live in ((1, "0% 0% to 49%"), (2, "\u2013")):
        loaded = found[version]["metrics"]["bootstrap"]
        row = page.get_by_role("row").filter(has_text=f"Model {version}")
        share = f"{round(100 * loaded['right'] / loaded['examples'], 1):g}%"
        await expect(row.locator('[data-title="On what was loaded"]')).to_have_text(share)
        await expect(row.locator('[data-title^="Live"]')).to_have_text(live)
    await visitor.go("#/models/1")
    await expect(page.get_by_role("region", name="In short")).to_contain_text("0% to 49%, by 4 audits")


async def test_a_shadow_shows_its_evidence_between_what_rejects_and_what_promotes(visitor: Visit, page: Page) -> None:
    await visitor.go("#/models")
    shadow = page.get_by_role("region", name="Model 4 answers as a shadow")
    await expect(shadow).to_contain_text("it has fixed 4 and broken 1 of 9 records")
    await expect(shadow.get_by_role("img", name="Evidence +0.929, between -1.56 and +2.77")).to_be_visible()
    await expect(shadow).to_contain_text("9 of 30")
    await expect(page.get_by_role("button", name="Train now")).to_be_enabled()


async def test_a_model_shows_what_is_behind_it_and_texts_of_others_are_only_text(visitor: Visit, page: Page) -> None:
    await visitor.go("#/models/2")
    origin = page.get_by_role("region", name="Where it comes from")
    await expect(origin).to_contain_text("20 corrections, by tests")
    await expect(page.get_by_role("region", name="What it was made of")).to_contain_text("14 bootstrap, 4 reviewed")
    await expect(page.get_by_role("region", name="The gate")).to_contain_text("it fixes 12 and breaks 1 of 40 records")
    examples = page.get_by_role("region", name="Examples")
    await expect(examples.get_by_role("row").filter(has_text="<b>ann</b> (audit)")).to_have_count(4)
    shown = await examples.get_by_role("row").count()
    await expect(page.get_by_role("region", name="What it takes for what").get_by_role("cell")).to_have_count(5)
    await page.get_by_role("button", name="Show more").click()
    await expect(examples.get_by_role("row")).not_to_have_count(shown)


async def test_a_job_shows_the_gate_and_the_champion_beside_its_model(visitor: Visit, page: Page) -> None:
    """Also one that was rejected, with why."""
    job = await asyncio.to_thread(job_of, visitor.site.settings, 3)
    await visitor.go("#/jobs?state=rejected")
    row = page.get_by_role("row").filter(has_text="rejected")
    await expect(row).to_contain_text("Model 3: as a shadow it fixes 1 and breaks 4 of 12 records")
    await row.get_by_role("link", name="Training").click()
    assert page.url.endswith(f"#/jobs/{job}")
    await expect(page.get_by_role("region", name="The gate")).to_contain_text("it fixes 1 and breaks 4 of 12 records")
    beside = page.get_by_role("region", name="Model 3 beside model 2", exact=True)
    await expect(beside.get_by_role("columnheader", name="Champion 2")).to_be_visible()
    await expect(beside.get_by_role("region", name="What champion 2 took for what")).to_be_visible()
    await expect(beside.get_by_role("region", name="What model 3 took for what")).to_be_visible()
    await visitor.check_accessible()
    await page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    await visitor.check_narrow()


async def test_jobs_are_chosen_by_state_and_command(visitor: Visit, page: Page) -> None:
    await visitor.go("#/jobs")
    await expect(page.get_by_role("row")).to_have_count(6)
    await page.get_by_label("All states").select_option("promoted")
    await expect(page.get_by_role("row")).to_have_count(3)
    await page.get_by_label("All commands").select_option("hold")
    await expect(page.get_by_text("No such job")).to_be_visible()
    assert page.url.endswith("#/jobs?state=promoted&command=hold")


async def test_a_reason_of_any_shape_is_told_as_text(visitor: Visit, page: Page) -> None:
    """A sender of commands may put any value in the reason."""
    code = """async (reasons) => {
        const { reasonText } = await import("/web/descriptions.js");
        return reasons.map((reason) => reasonText({ reason }));
    }"""
    reasons = [
        {},
        {"trigger": "__proto__"},
        {"trigger": "constructor"},
        {"trigger": {"a": None}},
        {"trigger": "count", "corrections": "many"},
        {"trigger": "drift", "drifted": None},
        {"trigger": "drift", "drifted": ["x", ["y"], 1, 2, 3]},
    ]
    await visitor.go()
    assert await page.evaluate(code, reasons) == [
        "no reason given",
        "__proto__",
        "constructor",
        '{"a":null}',
        "some corrections",
        "drift in null",
        'drift in x, ["y"], 1 and 2 more',
    ]


async def test_the_sender_of_a_job_is_a_person_the_policy_or_a_rollback(visitor: Visit, page: Page) -> None:
    """Without API keys a person has no name, and is not the policy."""
    code = """async (jobs) => {
        const { senderText } = await import("/web/descriptions.js");
        return jobs.map(([by, trigger]) => senderText({ by, reason: { trigger } }));
    }"""
    given = [["ann", "manual"], [None, "manual"], [None, "count"], [None, "evidence"], [None, "bootstrap"]]
    nameless = "a sender without a name"
    await visitor.go()
    assert await page.evaluate(code, given) == ["ann", nameless, "the policy", "the automatic rollback", nameless]


@pytest.mark.parametrize("route", LISTS)
async def test_each_of_them_fits_a_phone_and_is_accessible(browser: Browser, site: Site, route: str) -> None:
    async with visit(browser, site, size=PHONE) as one:
        await one.go(route)
        await expect(one.page.get_by_role("table").first).to_be_visible()
        await one.check_narrow()
        await one.check_accessible()


async def test_another_model_answers_once_that_was_confirmed(visitor: Visit, page: Page) -> None:
    """The dialog states the effect; afterwards promotion is on hold, which is visible, and can be resumed."""
    site = visitor.site
    await visitor.go("#/models")
    await site.heard()
    before = len(await commands(site))
    await page.get_by_role("button", name="Roll back to 1").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text(
        "Model 2 answers now. In a moment all workers answer with model 1, and model 2 is marked"
    )
    await expect(dialog).to_contain_text("nothing is trained or promoted by itself until it is resumed")
    await visitor.check_accessible()
    await dialog.get_by_role("button", name="Cancel").click()
    await page.get_by_role("button", name="Roll back to 1").click()
    await dialog.get_by_role("button", name="Roll back to model 1").click()
    command = await asked(site, before)
    assert command == Command(command.id, "rollback", {"trigger": "manual"})
    await obeyed(site, command)
    await expect(page.get_by_role("status").get_by_text("Model 1 answers now (was 2)")).to_be_visible()
    await expect(page.get_by_role("region", name="On hold")).to_contain_text("rolled back to model 1")
    await expect(page.get_by_role("row").filter(has_text="Model 1")).to_contain_text("answers now")
    reigns = page.get_by_role("region", name="Who answered").get_by_role("listitem")
    await expect(reigns).to_have_count(3)
    await expect(page.get_by_role("button", name="Hold automatic training")).to_be_hidden()


async def test_what_is_refused_says_why(visitor: Visit, page: Page) -> None:
    """Asked for twice: a second hold while there is one."""
    site = visitor.site
    await visitor.go("#/models")
    await site.heard()
    await page.get_by_role("region", name="On hold").get_by_role("button", name="Resume").click()
    await obeyed(site, await asked(site, 2))
    await page.get_by_role("button", name="Hold automatic training").click()
    command = await asked(site, 3)
    await obeyed(site, Command("another-operator", "hold", {"trigger": "manual"}, by="bob"))
    await obeyed(site, command)
    await expect(page.get_by_text("The hold: skipped. on hold already: held by bob")).to_be_visible()


async def test_an_imported_model_has_a_file_instead_of_a_training_set(visitor: Visit, page: Page) -> None:
    settings = visitor.site.settings
    await asyncio.to_thread(retrains.load, settings, 20, seed=9, prefix="import")
    version = await asyncio.to_thread(register, settings, "rejected")
    reason = json.dumps({"trigger": "import", **FILE})
    await asyncio.to_thread(query, settings, IMPORTED, version, json.dumps({"imported": FILE}), reason)
    await visitor.go(f"#/models/{version}")
    await expect(page.get_by_role("region", name="In short")).to_contain_text("imported: it has no training set")
    origin = page.get_by_role("region", name="Where it comes from")
    await expect(origin).to_contain_text("Pipeline(StandardScaler, LinearSVC) from the file ours.skops")
    await expect(origin).to_contain_text(str(FILE["sha256"]))
    await expect(page.get_by_role("region", name="What it was made of")).to_contain_text("assumed to be unknown to it")
    await expect(page.get_by_role("region", name="On labelled records")).to_be_visible()
    await expect(page.get_by_role("region", name="Examples")).to_have_count(0)
    await visitor.check_accessible()
    await visitor.go("#/jobs?command=import")
    await expect(page.get_by_role("row").filter(has_text="ours.skops")).to_contain_text("Import")
    job = await asyncio.to_thread(job_of, settings, version)
    await visitor.go(f"#/jobs/{job}")
    await expect(page.get_by_role("region", name="The job")).to_contain_text("from the file ours.skops")
    await expect(page.get_by_role("region", name="What it was trained on")).to_have_count(0)
    await visitor.check_accessible()


async def test_examples_are_saved_as_the_api_gives_them_with_the_key(browser: Browser, site: Site) -> None:
    """Last in this file: once there is a key, every request needs one."""
    all_of_them = await site.client.json("GET", "/v1/models/2/examples?limit=1000")
    rows = len(all_of_them["items"])
    key = await a_key(site.settings, "read")
    async with visit(browser, site) as one:
        one.may_fail("/v1/")
        page = one.page
        await one.go("#/models/2")
        await page.get_by_label("API key").fill(key)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("button", name="Download CSV")).to_be_visible()
        for name in ("Let it answer", "Activate"):
            await expect(page.get_by_role("button", name=name)).to_have_count(0)
        for name, lines in (("CSV", rows + 1), ("NDJSON", rows)):
            async with page.expect_download() as waiting:
                await page.get_by_role("button", name=f"Download {name}").click()
            saved = await waiting.value
            assert saved.suggested_filename == f"model-2-examples.{name.lower()}"
            text = await asyncio.to_thread(Path(await saved.path()).read_text)
            assert len(text.splitlines()) == lines
            assert name != "CSV" or next(csv.reader(text.splitlines()))[0] == "source"
