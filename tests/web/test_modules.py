"""The page's pure parts, in the browser that runs them."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from playwright.async_api import Browser, Page

from relearn.agents.learning.words import words_of
from tests.support.page.site import Site
from tests.support.page.visit import Visit, visit

_STREAM = (
    'retry: 1500\r\n\r\n: a comment\nid: 7-1\nevent: job\ndata: {"a":\ndata:1}\n\n'
    "id: 7-2\n\nevent: batch\rdata: é\r\rdata: cut off"
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def visitor(browser: Browser, site: Site) -> AsyncIterator[Visit]:
    """One visit for all: what is called here keeps nothing."""
    async with visit(browser, site) as one:
        yield one


async def run(visitor: Visit, code: str, argument: Any = None) -> Any:
    """What `code`, the body of an async function of `argument`, returns in the page."""
    await visitor.go()
    return await visitor.page.evaluate(f"async (argument) => {{ {code} }}", argument)


async def test_events_are_the_same_however_the_stream_is_cut(visitor: Visit) -> None:
    """Also between the two characters of a line's end; an id without data moves the place."""
    code = """
        const { SseParser } = await import("/web/sse.js");
        const read = (pieces) => {
            const parser = new SseParser();
            const messages = pieces.flatMap((piece) => parser.push(piece));
            return [messages, parser.lastId, parser.retryMs];
        };
        const halves = [...argument].map((_, i) => [argument.slice(0, i), argument.slice(i)]);
        return [[argument], [...argument], ...halves].map(read);
    """
    job = {"type": "job", "data": '{"a":\n1}'}
    expected = [[job, {"type": "batch", "data": "é"}], "7-2", 1500]
    found = await run(visitor, code, _STREAM)
    assert all(one == expected for one in found)


async def test_attempts_come_as_the_server_wants_at_first_and_then_ever_less_often(visitor: Visit) -> None:
    code = """
        const { backoffMs } = await import("/web/events.js");
        const waits = [0, 1, 2, 3, 10].map((failures) => backoffMs(2000, failures, null, () => 0.5));
        return [...waits, backoffMs(2000, 1, 7, () => 0)];
    """
    assert await run(visitor, code) == [2000, 2000, 4000, 8000, 30000, 7000]


async def test_what_is_not_known_is_a_dash_and_never_a_number(visitor: Visit) -> None:
    code = """
        const format = await import("/web/format.js");
        const { count, brief, number, change, percent, rate, time, dateTime, ago, duration, UNKNOWN } = format;
        const writers = [count, brief, number, change, percent, rate, time, dateTime, ago, duration];
        return writers.flatMap((write) => [write(null), write(undefined)]).filter((text) => text !== UNKNOWN);
    """
    assert await run(visitor, code) == []


async def test_a_value_is_a_number_or_a_level_or_missing(visitor: Visit) -> None:
    """None of them looks like another; numbers of a table aren't rounded to four digits."""
    code = """
        const { featureValue } = await import("/web/format.js");
        return argument.map(featureValue);
    """
    given = [0.123456, 0, -17282, 1234.567, 1e300, None, "red", "007", "", " a"]
    shown = ["0.1235", "0", "-17,282", "1,234.57", "1E300", "missing", "red", "007", "“”", "“ a”"]
    assert await run(visitor, code, given) == shown


async def test_an_address_leads_back_to_what_it_was_made_of(visitor: Visit) -> None:
    code = """
        const { href, readRoute } = await import("/web/router.js");
        const query = { cursor: "x=&", label: null };
        return [href("batch", { id: "a/b ?#ü" }), href("models"), href("batches", { query })].map(readRoute);
    """
    assert await run(visitor, code) == [
        {"screen": "batch", "id": "a/b ?#ü", "query": {}},
        {"screen": "models", "id": None, "query": {}},
        {"screen": "batches", "id": None, "query": {"cursor": "x=&"}},
    ]


async def test_features_are_a_picture_only_where_all_of_them_are_pixels(visitor: Visit, page: Page) -> None:
    code = """
        const { pictureOf } = await import("/web/parts/picture.js");
        const pixels = [0, 1].flatMap((r) => [0, 1, 2].map((c) => ({ feature: `pixel_${r}_${c}`, value: 10 * r + c })));
        const found = pictureOf(pixels.toReversed());
        const others = ["age", "pixel_999_999"].map((feature) => [...pixels, { feature, value: 1 }]);
        others.push(...[null, "7"].map((value) => [...pixels.slice(1), { feature: "pixel_0_0", value }]));
        return [found.rows, found.columns, [...found.values], ...[[], ...others].map(pictureOf)];
    """
    assert await run(visitor, code) == [2, 3, [0, 1, 2, 10, 11, 12], *[None] * 5]


async def test_the_words_of_a_text_are_those_of_the_model(visitor: Visit) -> None:
    """Each in its place, in any script; a word has what it adds and what the pairs that it is in add."""
    code = """
        const { tinted } = await import("/web/parts/text.js");
        const given = ([text, words]) => [text, words.map((word) => ({ word, contribution: 1 }))];
        return argument.map((one) => tinted(...given(one)).map(({ text, push }) => [text, push]));
    """
    rng = random.Random(7)
    letters = [chr(c) for c in range(0x20, 0x1F000) if unicodedata.category(chr(c)) not in ("Cn", "Cs", "Co")]
    texts = ["".join(rng.choice(letters) + rng.choice(("", "ab", " ")) for _ in range(200)) for _ in range(20)]
    texts += [
        "İSTANBUL İİ aİ \u039f\u0394\u039f\u03a3 x² e\u0301e naïve a_1 नमस्ते \U0001d4b3\U0001d4b4 \uff11\uff12 a b",
        "",
        "a",
        "it's\nso  late",
    ]
    singles = [[word for word in words_of(text) if " " not in word] for text in texts]
    found = await run(visitor, code, [[text, words] for text, words in zip(texts, singles, strict=True)])
    for text, words, pieces in zip(texts, singles, found, strict=True):
        assert "".join(piece for piece, _ in pieces) == text.replace("\u0130", "I\u0307")
        assert [piece.lower() for piece, push in pieces if push] == words
    pairs = await run(visitor, code, [["So late. So LATE again", ["late", "so late", "late so", "never late"]]])
    assert pairs == [[["So", 1], [" ", 0], ["late", 3], [". ", 0], ["So", 2], [" ", 0], ["LATE", 2], [" again", 0]]]


async def test_a_long_text_is_cut_between_words_and_after_few_lines(visitor: Visit) -> None:
    code = """
        const { cutAt } = await import("/web/parts/text.js");
        const { excerpt } = await import("/web/format.js");
        return [argument.map(cutAt), argument.map((text) => excerpt(text, 8))];
    """
    texts = ["", " one\n\ttwo ", "a" * 1200, "a" * 1201, "word " * 400, "l\n" * 12, "l\n" * 13, "1234567😀9"]
    assert await run(visitor, code, texts) == [
        [0, 10, 1200, 1000, 999, 24, 23, 10],
        ["", "one two", "aaaaaaaa…", "aaaaaaaa…", "word wor…", "l l l l…", "l l l l…", "1234567…"],
    ]


async def test_where_the_pool_is_full_more_wait_than_it_holds(visitor: Visit) -> None:
    code = """
        const { moreOf } = await import("/web/screens/review/progress_strip.js");
        return [[490, true], [37, true], [490, false], [0, false]].map(([more, edge]) => moreOf(more, edge));
    """
    assert await run(visitor, code) == ["400+", "37+", "490", "0"]


async def test_who_is_less_sure_than_a_guess_is_on_the_edge(visitor: Visit) -> None:
    """Of two classes below a half, of k below 1 / k."""
    code = """
        const { sureness } = await import("/web/parts/explanation.js");
        const answers = [[0.41, [0.02]], [0.5, [0.02]], [0.41, [1, 0.9, 0]], [0.2, [1, 0.9, 0.8]], [null, [1]]];
        return answers.map(([confidence, margins]) => sureness({ confidence, margins }).words);
    """
    expected = ["on the edge (41%)", "50% sure", "41% sure", "on the edge (20%)", "confidence not known"]
    assert await run(visitor, code) == expected


async def test_what_a_reload_keeps_is_bounded_and_rubbish_is_none_of_it(visitor: Visit) -> None:
    """Records that wait go first, then those of the newest answers; what is claimed no longer isn't shown again."""
    code = """
        const { bounded, usable } = await import("/web/screens/review/saved_state.js");
        const item = (n, untilMs) => ({ prediction: `0-${n}-0`, untilMs, features: [], classes: [] });
        const answers = [1, 2].map((n) => ({ review: `${n}`, item: item(n, 9) }));
        const state = { items: [item(3, 9), item(4, 3)], declined: ["0-5-0"], answered: 2, answers };
        const size = JSON.stringify(item(1, 9)).length;
        const records = ({ items, answers }) => [...items, ...answers.map((one) => one.item)];
        const places = (kept) => records(kept).map((one) => one?.prediction);
        const parts = [{ items: [{}] }, { answers: [null] }, { answered: "2" }];
        const wrong = [null, 7, [], {}, ...parts.map((part) => ({ ...state, ...part }))];
        return [
            ...[0, 1, 2, 3, 4].map((n) => places(bounded(state, n * size)).filter((place) => place)),
            places(usable(state, 5)),
            ...wrong.map((found) => Object.keys(usable(found, 5))),
        ];
    """
    waiting, last, first = ["0-3-0", "0-4-0"], "0-2-0", "0-1-0"
    fitting = [[], waiting[:1], waiting, [*waiting, last], [*waiting, first, last]]
    assert await run(visitor, code) == [*fitting, [waiting[0], first, last], *[[]] * 7]


async def test_a_digit_never_says_another_label_than_itself(visitor: Visit) -> None:
    """Of many labels the keys are those of the nearest, which stand there at once; of a blind record none is nearer."""
    code = """
        const { keysOf } = await import("/web/screens/review/keys.js");
        const { atOnce } = await import("/web/parts/labels.js");
        const many = (name) => Array.from({ length: 20 }, (_, i) => `${name}${i}`);
        const margins = many("").map((_, i) => -Math.abs(i - 6.2));
        const given = [[many("k"), "k6", margins], [many("k")], [many("k"), "old", [1]]];
        const near = given.map((one) => atOnce(...one));
        const keys = [keysOf(["no", "yes"]), keysOf(["3", "5"]), keysOf(many(""), ["3"]), keysOf(many("k"), near[0])];
        return [near, keys.map((map) => [...map])];
    """
    near, keys = await run(visitor, code)
    assert near == [["k6", "k7", "k5", "k8"], [], ["old"]]
    digits = [["3", "3"], ["5", "5"]]
    assert keys == [[["no", "1"], ["yes", "2"]], digits, [], [["k6", "1"], ["k7", "2"], ["k5", "3"], ["k8", "4"]]]
