"""What the page costs: bytes at the first visit, memory over hours of events, frames at two thousand events a second.

Times are printed, not asserted: `pytest -rP tests/web/test_weight.py` shows them.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, NamedTuple

from playwright.async_api import Browser, CDPSession, Page

from tests.support.page.load import batch, busy
from tests.support.page.site import Site
from tests.support.page.visit import Visit, visit
from tests.support.size import FULL
from tests.support.waiting import eventually_async

MOST_BYTES = 150_000
ROUTES = ("#/", "#/batches", "#/models", "#/jobs", "#/drift", "#/dead-letters", "#/try", "#/")
#: Of the page's time, in steps of five seconds.
STEP_MS = 5_000
HOUR_STEPS = 720 if FULL else len(ROUTES)
#: What a busy reviewer's hour has at most: 36,000 of them.
CORRECTIONS = 50
RATE, SECONDS = 2_000, 20 if FULL else 2

_SENT = """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
    .filter((one) => one.name === `${location.origin}/` || one.name.includes("/web/"))
    .map((one) => [one.name, one.encodedBodySize])"""
_DRAWN = """() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime"""
_WATCH = """async () => {
    const { onEvents } = await import("/web/events.js");
    const seen = { events: 0, resets: 0, last: null, frames: [], long: [] };
    window.seen = seen;
    onEvents(["batch", "reset"], (data, type) => {
        seen.events += 1;
        if (type === "reset") seen.resets += 1;
        else if (data.batches.length) seen.last = data.batches.map((one) => one.batch);
    });
    new PerformanceObserver((list) => seen.long.push(...list.getEntries().map((one) => one.duration)))
        .observe({ type: "longtask" });
    let before = performance.now();
    const frame = (now) => { seen.frames.push(now - before); before = now; requestAnimationFrame(frame); };
    requestAnimationFrame(frame);
}"""


class Used(NamedTuple):
    """What a page holds; `elements`: nodes of documents, those that are seen and those that are only kept."""

    heap_bytes: int
    elements: int


async def test_a_first_visit_brings_little(visitor: Visit, page: Page) -> None:
    """All that the page is made of comes at once: no screen loads more."""
    await visitor.go()

    async def drawn() -> bool:
        return await page.evaluate(_DRAWN) is not None

    await eventually_async(drawn, "the browser has no time of the first paint")  # it comes after the load event
    drawn_ms = await page.evaluate(_DRAWN)
    sent = dict(await page.evaluate(_SENT))
    print(f"{len(sent)} files, {sum(sent.values()):,} bytes; drawn after {drawn_ms:.0f} ms")  # noqa: T201 - a figure
    assert 0 < sum(sent.values()) < MOST_BYTES
    for route in ROUTES:
        await visitor.go(route)
    later = dict(await page.evaluate(_SENT)).keys() - sent.keys()
    assert not [one for one in later if not one.endswith("/web/icon.svg")]  # Chromium fetches the icon when it likes


async def test_a_second_hour_of_events_leaves_no_more_in_memory_than_the_first(browser: Browser, site: Site) -> None:
    """The page's clock is driven by the test, so that its timers fire. The test walks through the screens.

    A short run finds only elements that a screen leaves behind: the page's bounded memory is far from full then.
    """
    async with visit(browser, site) as one:
        page = one.page
        await page.clock.install()
        await one.go()
        await site.heard()
        memory = await page.context.new_cdp_session(page)
        happening = busy(CORRECTIONS)

        async def after(steps: int) -> Used:
            """What is used after that number of steps, back at home."""
            for number, events in zip(range(steps), happening, strict=False):
                await site.tell(*events)
                await page.evaluate("(route) => void (location.hash = route)", ROUTES[(number + 1) % len(ROUTES)])
                await page.clock.run_for(STEP_MS)
            return await _used(memory)

        used = [await after(steps) for steps in (len(ROUTES), HOUR_STEPS, HOUR_STEPS)]
        print(f"at first, after one hour (or {HOUR_STEPS} steps of it), after two: {used}")  # noqa: T201 - figures
        _, one_hour, two_hours = used
        assert two_hours.elements < 1.25 * one_hour.elements, used
        assert not FULL or two_hours.heap_bytes < 1.1 * one_hour.heap_bytes, used


async def test_two_thousand_events_a_second_are_few_for_the_page(visitor: Visit, page: Page) -> None:
    """The API merges them; the last one arrives, and the connection stays open."""
    await visitor.go()
    await visitor.site.heard()
    await page.evaluate(_WATCH)
    for second in range(SECONDS):
        for tenth in range(10):
            first = second * RATE + tenth * RATE // 10
            await asyncio.gather(visitor.site.tell(*map(batch, range(first, first + RATE // 10))), asyncio.sleep(0.1))
    last = f"batch-{RATE * SECONDS - 1}"

    async def heard() -> bool:
        return last in (await page.evaluate("window.seen.last") or ())

    await eventually_async(heard, "the last event never came")
    seen: dict[str, Any] = await page.evaluate("window.seen")
    assert seen["resets"] == 0
    print(json.dumps(_figures(seen)))  # noqa: T201 - figures


def _figures(seen: dict[str, Any]) -> dict[str, float]:
    frames = sorted(seen["frames"])
    return {
        "events": seen["events"],
        "frames_per_s": round(1000 * len(frames) / sum(frames), 1),
        "frame_p99_ms": round(frames[int(0.99 * len(frames))], 1),
        "long_tasks": len(seen["long"]),
        "longest_ms": max(seen["long"], default=0),
    }


async def _used(session: CDPSession) -> Used:
    """What is used once what isn't needed is gone."""
    for _ in range(2):
        await session.send("HeapProfiler.collectGarbage")
    heap = await session.send("Runtime.getHeapUsage")
    return Used(int(heap["usedSize"]), int((await session.send("Memory.getDOMCounters"))["nodes"]))
