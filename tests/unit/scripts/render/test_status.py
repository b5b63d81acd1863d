"""The page of `relearn status`: everything that is known, in 80 columns."""

import re
from typing import Any

from rich.console import Console

from relearn.agents.stores.live.heartbeats import missing_workers
from relearn.scripts.client.condition import stuck, what_is_down
from relearn.scripts.render.status import dead_letters_line, gap_line, page, partitions_line


def shown(**given: Any) -> str:
    server = {"state": "up", "address": "127.0.0.1:1", "error": None}
    condition = {
        "namespace": "relearn",
        "down": [],
        "servers": {"kafka": server, "postgres": server, "valkey": server},
        "api": {"state": "up", "address": "http://127.0.0.1:8080", "error": None},
        "processes": None,
        "champion": {"version": 3, "activation": 4, "at": "2026-01-31T12:00:00.5+00:00"},
        "totals": {"records": 12_345, "expired": 0},
        "recent_records": 12_345,
        "dead_letters": [],
        "pauses": [],
        "retraining": None,
        "workers": [],
        "missing": [],
        "lag": [],
        **given,
    }
    console = Console(width=80, color_system=None)
    with console.capture() as captured:
        console.print(page(condition))
    return captured.get()


def test_all_up_is_said_first() -> None:
    """With the figures that matter."""
    text = shown()
    assert text.startswith("Relearn  namespace relearn  all up\n")
    assert "version 3, activation 4, since 2026-01-31T12:00:00 UTC" in text
    assert "12,345 stored" in text
    assert "as Redis shows it" not in text
    assert all(len(line) <= 80 for line in text.splitlines())


def test_what_is_away_is_named_and_hides_nothing_else() -> None:
    """Whatever only Postgres knows is not known; the rest is shown."""
    away = {"state": "away", "address": "127.0.0.1:2", "error": "Postgres doesn't answer: [no]"}
    up = {"state": "up", "address": "127.0.0.1:1", "error": None}
    unknown = dict.fromkeys(("champion", "totals", "dead_letters", "pauses"))
    text = shown(down=["postgres"], servers={"kafka": up, "postgres": away, "valkey": up}, **unknown)
    assert text.startswith("Relearn  namespace relearn  down: postgres\n")
    assert "Postgres doesn't answer: [no]" in text
    assert "not known" in text
    assert "12,345 as Redis shows it" in text


def test_an_api_that_is_not_ready_says_why() -> None:
    """It isn't down; nor is an API that doesn't run here."""
    error = "model: no model is live yet"
    assert error in shown(api={"state": "not ready", "address": "http://127.0.0.1:8080", "error": error})
    assert "http://127.0.0.1:8080" in shown()


def test_numbers_that_differ_are_both_shown() -> None:
    """A view that is behind is no secret."""
    assert "12,344 as Redis shows it" in shown(recent_records=12_344)


def test_a_pause_says_how_it_ends() -> None:
    """The page has the command that ends the pause."""
    pause = {"agent": "score", "reason": "all bad", "paused_at": "2026-01-31T12:00:00+00:00"}
    text = " ".join(shown(pauses=[pause]).split())
    assert "PAUSED score since 2026-01-31T12:00:00: all bad; end it with `relearn dlq resume`" in text


def test_a_worker_is_a_line() -> None:
    """What it serves, what it reads, how far behind it is."""
    worker = {
        "id": "score-1",
        "role": "score",
        "model": 3,
        "activation": 4,
        "partitions": [f"relearn.ingest-{i}" for i in (0, 1, 2, 5)],
        "lag": 7,
        "rate": 501.25,
        "seen_at": 0.0,
        "condition": "ready",
    }
    (line,) = (line for line in shown(workers=[worker]).splitlines() if line.startswith("score-1"))
    assert line.split() == ["score-1", "ready", "3", "4", "ingest", "0-2,5", "7", "501.2"]
    assert "no worker" in shown()


def test_what_should_run_and_sends_nothing_is_missing() -> None:
    """It is down, and a line of its own."""
    missing = missing_workers({"score": 2, "store": 1}, [{"role": "score"}, {"role": "store"}, {"role": "store"}])
    assert missing == [{"role": "score", "expected": 2, "seen": 1}]
    starting = {"score-2": {"state": "starting"}}
    assert what_is_down({}, starting, {"state": "up"}, missing) == []
    down = what_is_down({}, {"score-2": {"state": "ready"}}, {"state": "up"}, missing)
    assert down == ["1 of 2 score"]
    text = shown(missing=missing, down=down)
    assert text.startswith("Relearn  namespace relearn  down: 1 of 2 score\n")
    assert "MISSING 2 score expected, 1 alive" in text


def test_a_notice_is_a_line() -> None:
    """With its worker and its time; the headline counts the notices."""
    notice = {"code": "retrying", "detail": "Postgres: out of memory (53200)", "since": 1_800_000_000.0}
    beat = {"id": "store-1", "model": None, "activation": None, "partitions": [], "lag": 0, "rate": 0.0}
    text = shown(workers=[{**beat, "condition": "ready", "notices": [notice]}])
    assert text.startswith("Relearn  namespace relearn  all up, 1 notice\n")
    assert "store-1 retrying since 2027-01-15T08:00:00: Postgres: out of memory (53200)" in " ".join(text.split())


def test_what_the_loop_is_doing_is_a_sentence_and_what_is_wrong_with_it_an_alert() -> None:
    """The headline counts alerts and notices; neither is down."""
    alert = {"code": "unlearned", "detail": "61 corrections: `relearn model resume`", "since": "2026-01-31T12:00:00.5"}
    loop = {"state": "on-hold", "sentence": "on hold: held by ann", "since": None, "alerts": []}
    text = shown(retraining=loop)
    assert text.startswith("Relearn  namespace relearn  all up\n")
    assert "training on hold: held by ann\n" in re.sub(" +", " ", text).replace(" \n", "\n")
    text = shown(retraining={**loop, "since": "2026-01-31T11:00:00.5+00:00", "alerts": [alert, alert]})
    assert text.startswith("Relearn  namespace relearn  all up, 2 alerts\n")
    words = " ".join(text.split())
    assert "since 2026-01-31T11:00:00: on hold: held by ann" in words
    assert "ALERT unlearned since 2026-01-31T12:00:00: 61 corrections: `relearn model resume`" in words
    assert all(len(line) <= 80 for line in text.splitlines())


def test_gaps_are_lines() -> None:
    """With the cause, the number as far as known, and the time."""
    gap = {
        "role": "score",
        "topic": "ns.ingest",
        "why": "deleted",
        "lost": 1500,
        "more": False,
        "last_at": "2026-01-02T03:04:05+00:00",
    }
    assert gap_line(gap) == (
        "score on ns.ingest: 1,500 offsets were deleted before they were read; last at 2026-01-02T03:04:05"
    )
    again = {**gap, "why": "recreated"}
    assert "1,500 or more of its offsets were not read" in gap_line({**again, "more": True})
    assert gap_line({**again, "role": "all", "lost": None, "more": True}).startswith(
        "ns.ingest: the topic was deleted and created again, an unknown number of its offsets"
    )


def test_partitions_of_several_topics_are_told_apart() -> None:
    """Numbers in ranges, topics without the namespace."""
    assert partitions_line(["a.b.dead-letters-0", "a.b.predictions-10", "a.b.predictions-9"]) == (
        "dead-letters 0 predictions 9-10"
    )
    assert partitions_line([]) == ""


def test_lag_is_by_partition() -> None:
    """The line shows that a group has never committed."""
    lags = [
        {"group": "relearn.score", "topic": "relearn.ingest", "partition": i, "committed": None, "end": 9, "lag": 9 - i}
        for i in range(3)
    ]
    assert "score  ingest   24  9 8 7 (nothing committed yet)" in shown(lag=lags)


def test_dead_letters_are_counted_by_reason() -> None:
    """The open ones: the others are done with."""
    found = [{"reason": "dimension", "records": 9, "open": 7}, {"reason": "text", "records": 1, "open": 0}]
    assert dead_letters_line(found) == "10, 7 open (dimension 7); see `relearn dlq list`"
    assert dead_letters_line([{"reason": "text", "records": 1, "open": 0}]) == "1, 0 open"
    assert dead_letters_line([]) == "none"


def test_what_should_run_and_does_not_is_down() -> None:
    """Each once. An API that doesn't run here is not down."""
    up, away = {"state": "up", "error": None}, {"state": "away", "error": "no"}
    assert what_is_down({"kafka": up}, {}, away) == []
    assert what_is_down({"kafka": away}, {"score-1": {"state": "waiting"}}, up) == ["kafka", "score-1"]
    assert what_is_down({}, {"api": {"state": "ready"}}, away) == ["api"]
    assert what_is_down({}, {"api": {"state": "waiting"}}, away) == ["api"]
    assert what_is_down({}, {"api": {"state": "ready"}}, {"state": "not ready", "error": "no model"}) == []


def test_a_worker_that_waits_for_a_person_is_not_up() -> None:
    """Other notices need no action."""
    notices = [{"code": "retrying", "detail": "", "since": 0.0}, {"code": "setup", "detail": "grant it", "since": 0.0}]
    workers = [{"id": "store-1", "notices": notices}, {"id": "score-1", "notices": notices[:1]}, {"id": "score-2"}]
    assert stuck(workers) == ["store-1 waits for setup"]
