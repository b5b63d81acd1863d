"""`relearn replay` on real rows: what another model would have said, and that nothing is changed by asking."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from relearn.agents.learning.predict import predict
from relearn.schemas.settings import Settings
from tests.support.data import retrains, reviewed
from tests.support.data.blocks import NOON_S
from tests.support.data.registered import register
from tests.support.data.rows import query
from tests.support.processes.commands import relearn

N = 6_000
FEATURES, TRUTH = reviewed.records(N)


def at(seconds: float) -> str:
    """A time after noon, as it may be typed."""
    return datetime.fromtimestamp(NOON_S + seconds, UTC).replace(tzinfo=None).isoformat()


ALL = ("--from", at(0), "--to", at(60))


@pytest.fixture
def settings(migrated: Settings) -> Settings:
    """6,000 predictions by model 1, a millisecond apart from noon on; model 2 learned from 50 reviewed ones."""
    retrains.load(migrated, 14)
    assert register(migrated) == 1
    offsets, _, _ = reviewed.predict(migrated, FEATURES, reviewed.model_of(migrated, 1))
    reviewed.review(migrated, offsets[:60], TRUTH[:60])
    reviewed.review(migrated, offsets[50:60], [None] * 10)
    assert register(migrated) == 2
    return migrated


def replayed(settings: Settings, *argv: str, code: int = 0) -> dict[str, Any]:
    done = relearn(settings, "replay", *argv, "--json")
    assert done.returncode == code, done.stderr
    return dict(json.loads(done.stdout))


def said(settings: Settings, version: int) -> list[str]:
    """What a model answers to all of them."""
    model = reviewed.model_of(settings, version)
    return [model.classes[i] for i in predict(model, FEATURES)[0]]


def rows(settings: Settings) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in query(settings, "SELECT * FROM predictions ORDER BY kafka_offset")]


def test_another_model_is_compared_with_what_was_stored(settings: Settings) -> None:
    before = rows(settings)
    first, second = said(settings, 1), said(settings, 2)
    found = replayed(settings, *ALL, "--model", "2")
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if a != b]
    assert (found["rows"], found["changed"], found["reviewed"]) == (N, len(pairs), 50)
    assert {(one["from"], one["to"]): one["records"] for one in found["changes"]} == {
        pair: pairs.count(pair) for pair in set(pairs)
    }
    right = {"model": second, "stored": first}
    assert found["right"] == {
        who: sum(a == b for a, b in zip(labels[:50], TRUTH[:50], strict=True)) for who, labels in right.items()
    }
    assert found["margins"] == {"compared": 0, "off": 0}
    assert rows(settings) == before


def test_compared_with_the_model_that_answered_it_is_the_same(settings: Settings) -> None:
    against_stored = replayed(settings, *ALL, "--model", "2")
    found = replayed(settings, *ALL, "--model", "2", "--compare", "1")
    assert found["changes"] == against_stored["changes"]
    assert found["right"] == {**against_stored["right"], "compare": against_stored["right"]["stored"]}
    assert replayed(settings, *ALL, "--model", "2", "--compare", "2")["changed"] == 0


def test_what_a_model_answered_itself_comes_out_the_same_or_is_told(settings: Settings) -> None:
    found = replayed(settings, *ALL, "--model", "1")
    assert (found["changed"], found["margins"]) == (0, {"compared": N, "off": 0})
    query(settings, "UPDATE predictions SET margins = ARRAY[margins[1] + 1e-6] WHERE kafka_offset = 5")
    found = replayed(settings, *ALL, "--model", "1", code=1)
    assert (found["changed"], found["margins"]) == (0, {"compared": N, "off": 1})
    text = relearn(settings, "replay", *ALL, "--model", "1").stdout
    assert "1 of them are NOT what was stored" in text


def test_a_span_has_its_begin_and_not_its_end(settings: Settings) -> None:
    """With whatever offset it is written."""
    assert replayed(settings, "--from", at(0.001), "--to", at(0.004), "--model", "2")["rows"] == 3
    noon = datetime.fromtimestamp(NOON_S, UTC)
    early = noon.replace(hour=14, tzinfo=None).isoformat() + "+02:00"
    found = replayed(settings, "--from", early, "--to", at(0.5), "--model", "2")
    assert (found["rows"], found["from"]) == (500, noon.isoformat())


def test_words_say_who_was_right_and_what_changed(settings: Settings) -> None:
    done = relearn(settings, "replay", *ALL, "--model", "2", "--compare", "1")
    assert (done.returncode, done.stderr) == (0, "")
    for part in ("6,000 predictions", "against model 1", "no -> yes", "50 of them", "model 2", "as stored"):
        assert part in done.stdout, done.stdout


def test_what_can_not_be_replayed_is_one_line(settings: Settings) -> None:
    for argv, why in (
        ([*ALL, "--model", "9"], "there is no model 9"),
        ([*ALL, "--model", "1", "--compare", "8"], "there is no model 8"),
        (["--from", at(60), "--to", at(0), "--model", "1"], "isn't before"),
        (["--from", at(60), "--to", at(120), "--model", "1"], "no prediction is stored"),
        (["--from", "noon", "--model", "1"], "is no time"),
    ):
        done = relearn(settings, "replay", *argv)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
        assert why in done.stderr


def test_what_is_not_as_it_was_is_said_and_not_guessed(settings: Settings) -> None:
    """A record of another width; a model with other bytes."""
    query(settings, "UPDATE predictions SET features = features[1:3] WHERE kafka_offset = 7")
    done = relearn(settings, "replay", *ALL, "--model", "2")
    assert done.returncode == 2
    assert "3 numbers where model 2 has 4" in done.stderr
    query(settings, "UPDATE models SET body = body || '\\x00' WHERE version = 2")
    done = relearn(settings, "replay", *ALL, "--model", "2")
    assert done.returncode == 2
    assert "SHA-256" in done.stderr
