"""Dead letters: listed, read, and sent again one by one or all."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

from playwright.async_api import Browser, Page, expect

from relearn.schemas.messages.dead_letters import Cut
from relearn.schemas.topics import topic_name
from tests.api.routes.test_dead_letters import MANY, stored
from tests.support.data.rows import messages
from tests.support.page.site import Site
from tests.support.page.visit import PHONE, Visit, visit
from tests.web.test_modules import run

HOSTILE = b'{"features": "<img src=x onerror=alert(1)>", "id": "a"}'


async def test_where_there_are_none_it_says_so(visitor: Visit, page: Page) -> None:
    await visitor.go("#/dead-letters")
    await expect(page.get_by_text("No dead letters are open")).to_be_visible()
    await expect(page.get_by_role("button", name="Send all again…")).to_be_disabled()
    await page.get_by_role("link", name="Show those that were sent again too").click()
    await expect(page.get_by_text("There never was a dead letter")).to_be_visible()


async def test_a_letter_is_found_read_and_sent_again(visitor: Visit, page: Page) -> None:
    """What was sent is in Kafka, and no longer among the open ones."""
    await stored(
        visitor.site.client, ("text", HOSTILE), ("names", b"x"), ("unreadable", b"\xc1\x00\xff"), ("empty", None)
    )
    await visitor.go("#/dead-letters")
    rows = page.get_by_role("table", name="Dead letters").get_by_role("row")
    await expect(rows).to_have_count(5)
    await page.get_by_label("Reason").select_option("text")
    await expect(rows).to_have_count(2)
    assert page.url.endswith("#/dead-letters?reason=text")
    await page.get_by_role("link", name="1", exact=True).click()
    letter = page.get_by_role("region", name="Letter 1")
    await expect(letter.get_by_role("region", name="The record")).to_contain_text(
        '"features": "<img src=x onerror=alert(1)>"'
    )
    await expect(letter.get_by_role("region", name="The key in hex")).to_contain_text("6b ff")
    await expect(letter).to_contain_text("traceparent")
    await letter.get_by_role("button", name="Show the value").click()
    await expect(letter.get_by_role("region", name="The value as text")).to_have_text(HOSTILE.decode())
    await visitor.check_accessible()
    await letter.get_by_role("button", name="Send again").click()
    await expect(page.get_by_role("status").get_by_text("Letter 1 was sent again")).to_be_visible()
    await expect(letter).to_contain_text("sent again, ")
    await expect(page.get_by_text("There are no open dead letters of reason “text”")).to_be_visible()
    await page.get_by_text("Sent again", exact=True).click()
    await expect(rows).to_have_count(2)
    (message,) = await asyncio.to_thread(messages, visitor.site.settings, "ingest")
    assert message.value() == HOSTILE


async def test_all_are_sent_again_call_after_call_and_what_was_refused_is_listed(visitor: Visit, page: Page) -> None:
    site = visitor.site
    await stored(site.client, *[("foreign", b"x")] * 1001, topic="others.ingest")
    await visitor.go("#/dead-letters")
    await page.get_by_role("button", name="Send all again…").click()
    asked = page.get_by_role("dialog", name="Send all again?")
    await expect(asked).to_contain_text("the oldest first")
    await asked.get_by_role("button", name="Cancel").click()
    assert len(await asyncio.to_thread(messages, site.settings, "ingest")) == 1
    await page.get_by_role("button", name="Send all again…").click()
    await asked.get_by_role("button", name="Send them again").click()
    result = page.get_by_role("region", name="Sent again")
    await expect(result).to_contain_text("3 letters were sent again, 1,001 could not be sent.")
    await expect(result.get_by_role("listitem")).to_have_count(200)
    await expect(result.get_by_role("listitem").first).to_contain_text("nothing is sent to others.ingest again")
    await expect(result).to_contain_text("And 801 others.")
    assert len(await asyncio.to_thread(messages, site.settings, "ingest")) == 4
    await expect(page.get_by_role("table", name="Dead letters").get_by_role("row")).to_have_count(101)
    await page.get_by_role("button", name="Show more").click()
    await expect(page.get_by_role("table", name="Dead letters").get_by_role("row")).to_have_count(201)
    await result.get_by_role("button", name="Dismiss").click()
    await expect(result).to_be_hidden()


async def test_on_a_phone_a_letter_takes_the_place_of_the_list(browser: Browser, site: Site) -> None:
    """A letter that can't be sent again shows the reason."""
    async with visit(browser, site, size=PHONE) as one:
        page = one.page
        one.may_fail("/v1/dead-letters/")
        await one.go("#/dead-letters")
        await one.check_narrow()
        await page.get_by_role("table", name="Dead letters").get_by_role("link").first.click()
        await expect(page.get_by_role("table", name="Dead letters")).to_be_hidden()
        await page.get_by_role("button", name="Send again").click()
        await expect(page.get_by_role("alert")).to_contain_text("nothing is sent to others.ingest again")
        await one.check_narrow()
        await one.check_accessible()
        await page.get_by_role("link", name="Close").click()
        await expect(page.get_by_role("table", name="Dead letters")).to_be_visible()


async def test_whatever_the_bytes_are_they_can_be_read(visitor: Visit) -> None:
    """As text where they are, also cut amid a character; else as hex."""
    code = """
        const { bytesOf, hexDump, textOf } = await import("/web/screens/dead_letters/text_format.js");
        return argument.map((one) => { const bytes = bytesOf(one); return [textOf(bytes), hexDump(bytes)]; });
    """
    values = ("né".encode()[:-1], b"a\0b", b"\xff", MANY)
    found = await run(visitor, code, [base64.b64encode(value).decode() for value in values])
    assert [text for text, _ in found] == ["n", None, None, None]
    assert found[1][1] == f"000000  {'61 00 62':23}  a.b"
    assert len(found[3][1].splitlines()) == -(-len(MANY) // 8)


async def test_a_record_is_written_in_few_lines_and_reads_back_the_same(visitor: Visit) -> None:
    code = """
        const { formatJson } = await import("/web/screens/dead_letters/text_format.js");
        return argument.map((value) => formatJson(value));
    """
    values: list[Any] = [
        None,
        1,
        "a",
        [],
        {},
        {"a": [1.5] * 64, "b": {"c": "x" * 80, "d": [[1], {"e": []}]}},
        [[1, 2]] * 40,
    ]
    found = await run(visitor, code, values)
    assert [json.loads(text) for text in found] == values
    assert len(found[-2].splitlines()) < 20


async def test_a_letter_that_holds_a_part_of_its_message_says_so(visitor: Visit, page: Page) -> None:
    client = visitor.site.client
    topic = topic_name(client.settings.namespace, "feedback")
    await stored(client, ("unreadable", b"\0" * 8), topic=topic, cut=Cut(12_000_000, bytes(32), headers=100))
    newest = (await client.json("GET", "/v1/dead-letters?limit=1"))["items"][0]["id"]
    await visitor.go(f"#/dead-letters?letter={newest}")
    letter = page.get_by_role("region", name=f"Letter {newest}", exact=True)
    await expect(letter).to_contain_text("This letter holds a part of its message.")
    await expect(letter).to_contain_text("The value has 12,000,000 bytes. There are 100 headers.")
    visitor.may_fail(f"/v1/dead-letters/{newest}/redrive")
    await letter.get_by_role("button", name="Send again").click()
    await expect(letter.get_by_text("its original is no longer in Kafka")).to_be_visible()
