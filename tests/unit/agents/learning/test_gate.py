"""The gate: what promotes a challenger, and that unreviewed records count only where they decide."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relearn.agents.learning.evidence import Case
from relearn.agents.learning.fitted_model import Fitted, FoldModel
from relearn.agents.learning.gate import depends_on_unreviewed, gate, judge_challenger, judge_first
from relearn.agents.learning.significance import Tally, log_evidence, sign_test, tally
from relearn.agents.learning.snapshot import Unreviewed
from relearn.agents.learning.training_set import FOLDS, Example, training_set
from relearn.agents.learning.trial import Trial
from relearn.schemas.features import numbers_alone
from relearn.schemas.model.linear_svm import Model

small = st.integers(0, 60)
tallies = st.builds(lambda fixed, broken, same: Tally(fixed, broken, fixed + broken + same), small, small, small)
alphas = st.floats(0.001, 0.49)
labels = st.sampled_from("abc")
EVEN = Tally(5, 5, 100)

NAMES = ("x",)
ALPHA = 0.05
CHAMPION = Model(1, ("no", "yes"), NAMES, np.array([[1.0]]), np.zeros(1), np.zeros(1), np.ones(1))
#: Answers "yes" where x > 0, whatever the fold.
FOLD = FoldModel(np.array([0, 1]), np.array([[1.0]]), np.zeros(1))
CHALLENGER = Fitted(
    ("no", "yes"), np.array([[1.0]]), np.zeros(1), np.zeros(1), np.ones(1), None, {}, folds=(FOLD,) * FOLDS
)

#: How a record was answered: only the challenger is right, only the champion, both, neither.
kinds = st.sampled_from(("fixed", "broken", "right", "wrong"))


@given(tallies, st.none() | tallies, st.lists(labels, max_size=2), alphas)
def test_nothing_is_promoted_without_a_p_within_alpha(
    evidence: Tally, silence: Tally | None, vanished: list[str], alpha: float
) -> None:
    verdict = gate(evidence, silence, vanished=vanished, alpha=alpha)
    if verdict.outcome == "promoted":
        assert verdict.facts[verdict.path]["p"] <= alpha
        assert not vanished
    assert (verdict.outcome == "rejected") == bool(vanished)
    assert json.loads(json.dumps(verdict.facts)) == verdict.facts


@given(
    st.lists(
        st.tuples(st.sampled_from(["evidence", "volunteer", "unreviewed"]), labels, labels, labels, st.integers(1, 12)),
        max_size=12,
    ),
    alphas,
)
def test_of_two_models_at_most_one_is_promoted_over_the_other(
    groups: list[tuple[str, str, str, str, int]], alpha: float
) -> None:
    """On the same records, whichever of them is the champion: also where volunteers contradict the evidence."""
    rows = [row for *row, times in groups for _ in range(times)]

    def promoted(old: int, new: int) -> bool:
        evidence = [row for row in rows if row[0] == "evidence"]
        truth = [row[old] if row[0] == "unreviewed" else row[1] for row in rows]
        verdict = gate(
            tally([row[1] for row in evidence], [row[old] for row in evidence], [row[new] for row in evidence]),
            tally(truth, [row[old] for row in rows], [row[new] for row in rows]),
            vanished=[],
            alpha=alpha,
        )
        return verdict.outcome == "promoted"

    assert not (promoted(2, 3) and promoted(3, 2))


def test_evidence_comes_first() -> None:
    verdict = gate(Tally(9, 1, 40), None, vanished=[], alpha=0.05)
    assert (verdict.outcome, verdict.path) == ("promoted", "evidence")
    assert verdict.why == "on the evidence it fixes 9 and breaks 1 of 40 records (p = 0.011)"
    assert verdict.facts["evidence"]["p"] == pytest.approx(11 / 1024)
    assert verdict.facts["silence"] is None


def test_silence_decides_where_evidence_is_too_little() -> None:
    verdict = gate(Tally(0, 0, 0), Tally(20, 6, 500), vanished=[], alpha=0.05)
    assert (verdict.outcome, verdict.path) == ("promoted", "silence")
    assert "silence counting against it" in verdict.why


def test_volunteers_do_not_outweigh_evidence_against_it() -> None:
    verdict = gate(Tally(0, 5, 50), Tally(20, 5, 500), vanished=[], alpha=0.05)
    assert (verdict.outcome, verdict.path) == ("shadow", "shadow")


@pytest.mark.parametrize("silence", [None, EVEN])
def test_what_nothing_decides_becomes_a_shadow(silence: Tally | None) -> None:
    verdict = gate(EVEN, silence, vanished=[], alpha=0.05)
    assert (verdict.outcome, verdict.path) == ("shadow", "shadow")
    assert verdict.facts["evidence"] == {
        "fixed": 5,
        "broken": 5,
        "rows": 100,
        "p": sign_test(5, 5),
        "log_evidence": log_evidence(5, 5),
    }


def test_a_class_that_vanished_rejects_whatever_else_is_better() -> None:
    verdict = gate(Tally(50, 0, 50), None, vanished=["b", "c"], alpha=0.05)
    assert (verdict.outcome, verdict.path) == ("rejected", "vanished")
    assert verdict.why.startswith("it doesn't know 'b', 'c', which the champion answers: too few labels")


@pytest.mark.parametrize(("accuracy", "outcome"), [(0.8, "promoted"), (0.75, "rejected"), (0.7, "rejected")])
def test_the_first_model_must_beat_the_majority(accuracy: float, outcome: str) -> None:
    verdict = judge_first(accuracy, 0.75, "a")
    assert (verdict.outcome, verdict.path) == (outcome, "first")
    assert verdict.why == (f"out of fold it is right in {accuracy:.1%}; answering 'a' every time is right in 75.0%")


def _case(kind: str, key: str = "a") -> Case:
    """A record that the challenger calls "yes"."""
    truth = "yes" if kind in {"fixed", "right"} else "no"
    champion = {"fixed": "no", "broken": "no", "right": "yes", "wrong": "yes"}[kind]
    return Case(key, (1.0,), truth, champion)


def _unreviewed(kept: int, changed: int) -> Unreviewed:
    """Records that the challenger answers as the champion did, and records that it answers otherwise."""
    labels = ["yes"] * kept + ["no"] * changed
    return Unreviewed([Example(f"0-{i}-0", f"u{i}", (1.0,), one, "assumed") for i, one in enumerate(labels)], True)


def _trial(evidence: list[Case], reviewed: list[Case], champion: Model | None = CHAMPION) -> Trial:
    one = [Example(1, "alone", [0.0], "maybe")]
    return Trial(champion, training_set(numbers_alone(NAMES), one), evidence, reviewed, {})


def test_silence_counts_every_record_of_the_champion_a_key_as_often_as_it_came() -> None:
    trial = _trial([], [_case("fixed"), _case("fixed"), _case("broken", "b")])
    silence = judge_challenger(trial, CHALLENGER, _unreviewed(3, 2), alpha=ALPHA).facts["silence"]
    assert (silence["fixed"], silence["broken"], silence["rows"]) == (2, 3, 8)


def test_silence_does_not_count_where_it_is_incomplete_or_was_not_read() -> None:
    trial = _trial([], [_case("fixed")] * 9)
    assert judge_challenger(trial, CHALLENGER, _unreviewed(1, 0), alpha=ALPHA).path == "silence"
    for unreviewed in (None, Unreviewed([], complete=False)):
        verdict = judge_challenger(trial, CHALLENGER, unreviewed, alpha=ALPHA)
        assert (verdict.outcome, verdict.facts["silence"]) == ("shadow", None)


def test_unreviewed_records_are_needed_only_where_corrections_alone_would_be_enough() -> None:
    """Evidence that decides, too few corrections, a class that vanished: no need to read thousands of records."""
    volunteered = [_case("fixed")] * 9
    assert depends_on_unreviewed(_trial([], volunteered), CHALLENGER, alpha=ALPHA)
    assert not depends_on_unreviewed(_trial([_case("fixed")] * 9, volunteered), CHALLENGER, alpha=ALPHA)
    assert not depends_on_unreviewed(_trial([_case("broken")] * 9, volunteered), CHALLENGER, alpha=ALPHA)
    assert not depends_on_unreviewed(_trial([], volunteered[:4]), CHALLENGER, alpha=ALPHA)
    third = Model(1, ("maybe", "no", "yes"), NAMES, np.ones((3, 1)), np.zeros(3), np.zeros(1), np.ones(1))
    assert not depends_on_unreviewed(_trial([], volunteered, champion=third), CHALLENGER, alpha=ALPHA)


@given(st.lists(kinds, max_size=20), st.lists(kinds, max_size=20), st.integers(0, 50), st.integers(0, 50))
def test_where_unreviewed_records_are_not_needed_they_change_nothing(
    evidence: list[str], reviewed: list[str], kept: int, changed: int
) -> None:
    trial = _trial([_case(kind) for kind in evidence], [_case(kind) for kind in reviewed])
    asked = judge_challenger(trial, CHALLENGER, _unreviewed(kept, changed), alpha=ALPHA)
    if not depends_on_unreviewed(trial, CHALLENGER, alpha=ALPHA):
        unasked = judge_challenger(trial, CHALLENGER, None, alpha=ALPHA)
        assert (asked.outcome, asked.path, asked.why) == (unasked.outcome, unasked.path, unasked.why)


def test_the_first_model_of_all_is_judged_by_the_majority_alone() -> None:
    metrics = {"accuracy": 0.9, "majority": 0.6, "majority_class": "yes"}
    first = Fitted(("no", "yes"), *(np.ones((1, 1)), np.zeros(1), np.zeros(1), np.ones(1)), None, metrics)
    trial = _trial([], [], champion=None)
    assert not depends_on_unreviewed(trial, first, alpha=ALPHA)
    assert judge_challenger(trial, first, None, alpha=ALPHA).path == "first"
