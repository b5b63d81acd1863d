"""Trainings, verdicts and commands as text."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from relearn.agents.stores.training.jobs import Job, State
from relearn.scripts.demo.watch.retrains import command_text, shadow_text, trigger_text, verdict_text

NOW = datetime(2024, 1, 1, tzinfo=UTC)


def job(state: State, metrics: dict[str, Any] | None = None, error: str | None = None) -> Job:
    return Job("j", "train", state, {}, None, None, 2, 1, metrics, NOW, NOW, None, error, 1)


WHY = "on the evidence it fixes 26 and breaks 9 of 100 records (p = 0.003)"


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (job("promoted", {"gate": {"why": WHY}}), f"model 2 promoted: {WHY}"),
        (job("rejected", {"gate": {"why": "first"}}, "it doesn't know '3'"), "model 2 rejected: it doesn't know '3'"),
        (job("promoted", {"gate": {"why": "a", "shadow": {"why": "as b"}}}), "model 2 promoted: as b"),
        (job("failed", None, "no examples"), "model 2 failed: no examples"),
        (job("running"), "model 2 running"),
    ],
)
def test_a_verdict_is_told_in_the_gates_words(told: Job, words: str) -> None:
    """With its figures, however it came about."""
    assert verdict_text(told) == words


def test_a_shadow_is_told_with_what_reviews_say_so_far() -> None:
    """Nothing at first."""
    gate = {"why": f"not yet known to be better: {WHY}"}
    words = verdict_text(job("shadow", {"gate": gate}))
    assert words.startswith("model 2 is not yet known to be better: on the evidence")
    assert words.endswith("until reviews decide")
    assert shadow_text(job("shadow", {"gate": gate})).endswith("it fixes 0 and breaks 0 of 0 reviewed records")
    reviewed = {"fixed": 4, "broken": 1, "rows": 9}
    assert shadow_text(job("shadow", {"shadow": reviewed})).endswith("it fixes 4 and breaks 1 of 9 reviewed records")


FACTS = {"corrections": 31, "corrections_needed": 20, "labels": 102, "labels_needed": 100}


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ({**FACTS, "trigger": "count"}, "the count: 31 of 20 corrections"),
        ({**FACTS, "trigger": "labels"}, "the labels: 102 of 100, 31 of them corrections"),
        ({**FACTS, "trigger": "drift", "drifted": ["a", "b"]}, "drift in a, b, with 102 new labels to learn from"),
        (
            {**FACTS, "trigger": "drift", "drifted": [*"abcde"]},
            "drift in a, b, c and 2 more, with 102 new labels to learn from",
        ),
        ({"trigger": "manual"}, "manual"),
    ],
)
def test_why_a_training_was_asked_for_is_told_by_its_facts(reason: dict[str, Any], words: str) -> None:
    """Each trigger has its own."""
    assert trigger_text(reason) == words


def test_what_somebody_does_to_the_champion_is_told_too() -> None:
    """Also from another terminal, and also if it didn't take effect."""
    back = replace(job("promoted"), command="rollback", version=1, by="ann")
    assert command_text(back) == "to model 1, by ann: took effect"
    assert command_text(replace(back, command="hold", version=None)) == "by ann: took effect"
    assert (
        command_text(replace(back, state="skipped", error="no other", by=None))
        == "to model 1, by itself: skipped: no other"
    )
