"""Try it: samples and one's own records, checked before they are sent, and back again scored."""

from __future__ import annotations

import asyncio
from typing import Any

import msgpack
import numpy as np
import pytest_asyncio
from playwright.async_api import Browser, Page, Response, Route, expect

from relearn.agents.stores.live.events import put_events
from relearn.schemas.features import Feature
from relearn.schemas.http.events import BatchEvent
from relearn.schemas.identity import parse_place
from tests.support.api.filled import store
from tests.support.data import retrains
from tests.support.data.blocks import NOON_S, block_of
from tests.support.data.mixed import SCHEMA
from tests.support.data.registered import register
from tests.support.data.reviewed import model_of
from tests.support.data.rows import messages
from tests.support.page.site import Site
from tests.support.page.visit import PHONE, Visit, visit
from tests.web.test_modules import run

OWN = "x2,x1,x4,x3,id,context\n1,-2.5,3,4e-1,a,<b>bold</b>\n\n5,6,7,8,b,\n"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def taught(site: Site) -> Site:
    """The same site, once there is a champion."""
    await asyncio.to_thread(retrains.load, site.settings, 14)
    assert await asyncio.to_thread(register, site.settings) == 1
    site.client.serve(await asyncio.to_thread(model_of, site.settings, 1))
    return site


def is_batch(response: Response) -> bool:
    return response.request.method == "POST" and response.url.endswith("/v1/batches")


async def scored(site: Site, answer: dict[str, Any], sent: list[list[float]]) -> None:
    """Store what was sent as the workers would, and tell it."""
    places = [parse_place(one) for one in answer["predictions"]]
    n = len(places)
    block = block_of(
        n,
        partition=places[0].partition,
        offsets=np.array([place.offset for place in places]),
        indexes=np.array([place.index for place in places], np.int32),
        ingested_at=np.full(n, NOON_S),
        batches=[answer["batch_id"]] * n,
        features=np.array(sent, dtype=np.float64),
        classes=("no", "yes"),
        labels=np.ones(n, np.int16),
        confidence=np.full(n, 0.75, np.float32),
    )
    await store(site.client.context.pool, block)
    context = site.client.context
    async with context.redis.pipeline() as pipe:
        put_events(pipe, context.settings.namespace, BatchEvent([]))
        await pipe.execute()


async def test_with_nothing_to_copy_it_says_what_to_do(visitor: Visit, page: Page) -> None:
    """One's own records can be sent all the same."""
    await visitor.go("#/try")
    await expect(page.get_by_text("There is nothing to copy yet")).to_be_visible()
    await page.get_by_label("Records, as CSV or JSON").fill("1,2\n3,x\n4")
    faults = page.get_by_role("listitem").filter(has_text="Line")
    await expect(faults).to_have_text(
        ["Line 2: value 2 isn't a number: “x”", "Line 3: 1 value; the first record has 2"]
    )
    await page.get_by_label("Records, as CSV or JSON").fill("a;b\n1,5;1.234,5\n1 234;1,234")
    await expect(faults).to_have_text(
        [
            "Line 2: “a” isn't a number: “1,5” (decimals are written with a point)",
            "Line 3: “a” isn't a number: “1 234” (thousands separators are left out)",
        ]
    )
    for text, said in (
        ("a,,b\n1,2,3", "Line 1: column 2 has no name; give it one or leave it out"),
        ("a,b,a\n1,2,3", "Line 1: two columns are named “a”"),
        ("a,batch\n1,x\n2,x\n3,y", "Line 4: another batch than in line 2: send each batch by itself"),
    ):
        await page.get_by_label("Records, as CSV or JSON").fill(text)
        await expect(faults).to_have_text([said])
    await expect(page.get_by_role("button", name="Send", exact=True)).to_be_disabled()
    await visitor.check_accessible()


async def test_samples_are_scored_at_once_and_nothing_is_stored(taught: Site, visitor: Visit, page: Page) -> None:
    """While nothing is stored they are copies of the champion's examples."""
    await visitor.go("#/try")
    await page.get_by_text("At once, nothing stored").click()
    await page.get_by_role("button", name="Score 15").click()
    result = page.get_by_role("region", name="Scored at once")
    await expect(result).to_contain_text("15 copies of the champion's training examples, of which there are only 14")
    await expect(result).to_contain_text("Model 1 answered 15 records")
    await expect(result.get_by_role("row")).to_have_count(16)
    assert await taught.client.context.pool.fetchval("SELECT count(*) FROM predictions") == 0
    assert await asyncio.to_thread(messages, taught.settings, "ingest") == []


async def test_samples_can_be_asked_for_before_the_statistics_are_there(
    taught: Site, visitor: Visit, page: Page
) -> None:
    """What isn't known yet is not taken for none."""
    first = asyncio.Event()

    async def hold(route: Route) -> None:
        """The first answer comes late, the others at once."""
        if not first.is_set():
            first.set()
            await pressed.wait()
        await route.continue_()

    pressed = asyncio.Event()
    await page.route("**/v1/stats", hold)
    await visitor.go("#/try")
    await page.get_by_text("At once, nothing stored").click()
    await asyncio.wait_for(first.wait(), 30)
    await page.get_by_role("button", name="Score 15").click()
    result = page.get_by_role("region", name="Scored at once")
    await expect(result).to_contain_text("Model 1 answered 15 records")
    pressed.set()
    await expect(page.get_by_text("There is nothing to copy yet")).to_be_hidden()


async def test_own_records_come_back_scored_without_a_reload(taught: Site, visitor: Visit, page: Page) -> None:
    """By name, in any order; what goes along goes along. Texts are texts."""
    await visitor.go("#/try")
    await page.get_by_label("Records, as CSV or JSON").fill("x1,x2,x3,x4,color\n1,2,3,4,5")
    await expect(page.get_by_text("“color”: the model has no such feature")).to_be_visible()
    await page.get_by_label("Records, as CSV or JSON").fill(OWN)
    async with page.expect_response(is_batch) as response:
        await page.get_by_role("button", name="Send 2 records").click()
    answer = await (await response.value).json()
    result = page.get_by_role("region", name="Sent to the stream")
    await expect(result).to_contain_text("0 of 2 records are scored and stored")
    (message,) = await asyncio.to_thread(messages, taught.settings, "ingest")
    sent = msgpack.unpackb(message.value())
    assert np.frombuffer(sent["features"]).tolist() == [-2.5, 1, 0.4, 3, 6, 5, 8, 7]
    assert (sent["ids"], sent["contexts"], sent["batch"]) == (["a", "b"], ["<b>bold</b>", None], answer["batch_id"])
    table = result.get_by_role("table")
    columns = ["Nr", "Record", "Id", "Context", "Answer", "Confidence"]
    await expect(table.get_by_role("columnheader")).to_have_text(columns)
    await expect(table.get_by_role("row").nth(1)).to_contain_text("<b>bold</b>")
    await scored(taught, answer, [[-2.5, 1, 0.4, 3], [6, 5, 8, 7]])
    await expect(result).to_contain_text("All 2 records are scored and stored: 2 “yes”.")
    await expect(result.get_by_role("row").nth(1)).to_contain_text("75%")
    batch = f"#/batches/{answer['batch_id']}"
    await expect(result.get_by_role("link", name="Open the batch")).to_have_attribute("href", batch)
    await expect(result.get_by_role("link", name="Explain record 1")).to_have_attribute(
        "href", f"#/predictions/{answer['predictions'][0]}"
    )
    await visitor.check_accessible()


async def test_any_number_of_stored_records_can_be_copied_and_sent(taught: Site, browser: Browser) -> None:
    """On a phone. A copy is what its original was, number by number."""
    async with visit(browser, taught, size=PHONE) as one:
        page = one.page
        await one.go("#/try")
        for wrong in ("0", "1001", "two"):
            await page.get_by_label("How many, up to 1,000").fill(wrong)
            await expect(page.get_by_role("button", name="Send", exact=True).first).to_be_disabled()
        await page.get_by_label("How many, up to 1,000").fill("120")
        async with page.expect_response(is_batch) as response:
            await page.get_by_label("How many, up to 1,000").press("Enter")
        answer = await (await response.value).json()
        rows = (await taught.client.json("GET", "/v1/predictions"))["items"]
        every = [msgpack.unpackb(one.value()) for one in await asyncio.to_thread(messages, taught.settings, "ingest")]
        (sent,) = [one for one in every if one["batch"] == answer["batch_id"]]
        features = np.frombuffer(sent["features"]).reshape(120, 4).tolist()
        assert all(record in [row["features"] for row in rows] for record in features)
        await scored(taught, answer, features)
        await expect(page.get_by_text("All 120 records are scored and stored")).to_be_visible()
        await page.get_by_role("button", name="Show all 120").click()
        await expect(page.get_by_role("link", name="Explain record 120")).to_be_visible()
        await one.check_narrow()
        await one.check_accessible()


async def test_what_the_api_refuses_is_said_and_can_be_tried_again(taught: Site, visitor: Visit, page: Page) -> None:
    """Under the same key, so that nothing is there twice."""
    visitor.may_fail("/v1/")
    keys: list[str | None] = []

    def told(request: Any) -> None:
        if request.method == "POST":
            keys.append(request.headers.get("idempotency-key"))

    page.on("request", told)
    await visitor.go("#/try")
    await page.get_by_label("Records, as CSV or JSON").fill('[{"x1": 1, "x2": 2, "x3": 3, "x4": 4}]')
    send = page.get_by_role("button", name="Send 1 record", exact=True)
    await expect(send).to_be_enabled()
    await taught.stop()
    await send.click()
    await expect(page.get_by_role("alert")).to_contain_text("The API is away")
    await taught.start()
    async with page.expect_response(is_batch):
        await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_role("region", name="Sent to the stream")).to_be_visible()
    assert len(keys) == 2
    assert keys[0] == keys[1] is not None


#: The text, the names of the numbers that are known, and the result: the request's body, or the faults.
TYPED: tuple[tuple[str, list[str] | None, Any], ...] = (
    ("1,2\n3,4", ["a", "b"], {"features": [[1, 2], [3, 4]]}),
    ("1; 2\r\n3;\t4\r\n", None, {"features": [[1, 2], [3, 4]]}),
    ("1\t2", None, {"features": [[1, 2]]}),
    ('b,"a"\n1,"2"', ["a", "b"], {"features": [{"b": 1, "a": 2}]}),
    (
        'a,context\n1,"two\nlines, ""quoted"""\n2,',
        ["a"],
        {"features": [{"a": 1}, {"a": 2}], "contexts": ['two\nlines, "quoted"', None]},
    ),
    ("0,1\n5,6", ["1", "0"], {"features": [{"0": 5, "1": 6}]}),
    ("id,a\n7,1", ["id", "a"], {"features": [{"id": 7, "a": 1}]}),
    ("[1, 2]", ["a", "b"], {"features": [[1, 2]]}),
    ("[[1,2],\n[3,4]]", None, {"features": [[1, 2], [3, 4]]}),
    ('{"a": 1, "subject": "s"}\n{"a": 2}', ["a"], {"features": [{"a": 1}, {"a": 2}], "subjects": ["s", None]}),
    ('[{"features": [1, 2], "id": 5}]', ["a", "b"], {"features": [[1, 2]], "ids": ["5"]}),
    ("", None, None),
    ("a,b", ["a", "b"], [[1, "names alone: there is no record below them"]]),
    ("1,2\n3", ["a", "b"], [[2, "1 value; the model has 2"]]),
    ("a,b\n1,2,3", ["a", "b"], [[2, "3 values; the first line names 2 columns"]]),
    ("a,a\n1,2", None, [[1, "two columns are named “a”"]]),
    ("a\n1", ["a", "b"], [[1, "“b” is missing"]]),
    ("1,\n2,1e999", None, [[1, "value 2 isn't a number: it is empty"], [2, "value 2 isn't a number: “1e999”"]]),
    ("1,NaN,3\n4,5,6", ["a", "b", "c"], [[1, "“b” isn't a number: “NaN”"]]),
    ("c,d\n1,2\n3,4", ["a", "b"], [[1, "“c”, “d”: the model has no such feature"]]),
    ("hello world", ["a", "b"], [[1, "“hello world”: the model has no such feature"]]),
    ("0,5;1,5", ["a", "b"], [[1, "“a” isn't a number: “0,5” (decimals are written with a point)"]]),
    ("1.5;2", ["a", "b"], {"features": [[1.5, 2]]}),
    ('1,"2', None, [[1, "a quote (\") isn't closed"]]),
    ("1,\n2,3", ["a", "b"], [[1, "“b” is missing, and may not be"]]),
    ('[[1],\n["<b>"],\n[true]]', ["a"], [[2, "“a” isn't a number: “<b>”"], [3, "“a” isn't a number: true"]]),
    ('[[1],\n["<b>"],\n[null]]', None, {"features": [[1], ["<b>"], [None]]}),
    ('[["x", [1]]]', None, [[1, "value 2 isn't a number, a text or null: [1]"]]),
    ("[[1],\n{}]", None, [[2, "it isn't of the first record's form"]]),
    ("\n".join(["1"] * 1001), None, [[1001, "more than 1,000 records; `relearn produce FILE` sends any number"]]),
)


#: Of features of all kinds (`tests.support.data.mixed`): colour?, age?, town, income.
MIXED: tuple[tuple[str, Any], ...] = (
    ("red,40,t0,9", {"features": [["red", 40, "t0", 9]]}),
    (",,007,9\n1,40,t0,9", {"features": [[None, None, "007", 9], ["1", 40, "t0", 9]]}),
    ('"blue, dark";4e1;;9', [[1, "“town” is missing, and may not be"]]),
    ("town,income\nt1,5", {"features": [{"town": "t1", "income": 5}]}),
    ("income,town,age,id\n5,NA,,1", {"features": [{"income": 5, "town": "NA", "age": None}], "ids": ["1"]}),
    ("colour,1,t0,2\nred,1,town,2", {"features": [["colour", 1, "t0", 2], ["red", 1, "town", 2]]}),
    ("red,old,t0,9", [[1, "“age” isn't a number: “old”"]]),
    ("red,40,t0", [[1, "3 values; the model has 4"]]),
    ("red,age,town\n1,2,3", [[1, "“red”: the model has no such feature"]]),
    ("town,age\nt1,5", [[1, "“income” is missing"]]),
    (
        'town,income,age\nt1,,1\nt1,many,2\nt1,"1,5",NaN\nt1,5,n/a',
        [
            [2, "“income” is missing, and may not be"],
            [3, "“income” isn't a number: “many”"],
            [4, "“income” isn't a number: “1,5” (decimals are written with a point)"],
            [5, "“age” isn't a number: “n/a” (leave it empty where it is missing)"],
        ],
    ),
    ('[[null, null, "t0", 9]]', {"features": [[None, None, "t0", 9]]}),
    ('{"town": "7", "income": 5, "age": null}', {"features": [{"town": "7", "income": 5, "age": None}]}),
    ('{"town": 7, "income": 5}', [[1, "“town” is a category: a text in quotes, not 7"]]),
    ('{"town": null, "income": 5}', [[1, "“town” is missing, and may not be"]]),
    ('{"income": "5", "town": "a"}', [[1, "“income” isn't a number: “5”"]]),
    ('{"income": 5, "town": "a", "x": 1}', [[1, "“x”: the model has no such feature"]]),
    (f"red,1,{'é' * 129},1", [[1, "“town” is 258 bytes long; a category's text has at most 256"]]),
)


def _number(name: str) -> dict[str, Any]:
    return Feature(name)._asdict()


async def test_what_is_typed_is_read_or_its_faults_are_told_by_line(visitor: Visit) -> None:
    code = """
        const { readRecords } = await import("/web/screens/try/records.js");
        return argument.map(([text, schema]) => {
            const { records, faults } = readRecords(text, schema);
            return records ?? (faults.length ? faults.map(({ line, words }) => [line, words]) : null);
        });
    """
    schema = [one._asdict() for one in SCHEMA.features]
    cases = [(text, names and [_number(name) for name in names], wanted) for text, names, wanted in TYPED]
    cases += [(text, schema, wanted) for text, wanted in MIXED]
    found = await run(visitor, code, [[text, known] for text, known, _ in cases])
    assert found == [wanted for _, _, wanted in cases]
    broken = await run(visitor, code, [["[[1,2],\n[3,}]", None]])
    assert broken[0][0][0] == 2
    assert "isn't JSON" in broken[0][0][1]
