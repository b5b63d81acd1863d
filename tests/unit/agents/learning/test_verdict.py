"""Champion and challenger compared: every record of the champion counts as silence, and only where it decides."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from relearn.agents.learning.fit_messages import Fitted
from relearn.agents.learning.folds import FoldModel
from relearn.agents.learning.training_set import FOLDS, Example, training_set
from relearn.agents.learning.trial import Case, Trial, Unreviewed
from relearn.agents.learning.verdict import depends_on_silence, judge
from relearn.schemas.model.linear_svm import Model

NAMES = ("x",)
ALPHA = 0.05
CHAMPION = Model(1, ("no", "yes"), NAMES, np.array([[1.0]]), np.zeros(1), np.zeros(1), np.ones(1))
#: Says "yes" where x > 0, whatever the fold.
FOLD = FoldModel(np.array([0, 1]), np.array([[1.0]]), np.zeros(1))
CHALLENGER = Fitted(
    ("no", "yes"), np.array([[1.0]]), np.zeros(1), np.zeros(1), np.ones(1), None, {}, folds=(FOLD,) * FOLDS
)

#: What became of a record: the challenger is right where it was wrong, the reverse, both are right, both are wrong.
kinds = st.sampled_from(("fixed", "broken", "right", "wrong"))


def _case(kind: str, key: str = "a") -> Case:
    """A record that the challenger calls "yes"."""
    truth = "yes" if kind in {"fixed", "right"} else "no"
    champion = {"fixed": "no", "broken": "no", "right": "yes", "wrong": "yes"}[kind]
    return Case(key, (1.0,), truth, champion)


def _unreviewed(kept: int, changed: int) -> Unreviewed:
    """So many that the challenger answers as the champion did, and so many otherwise."""
    labels = ["yes"] * kept + ["no"] * changed
    return Unreviewed([Example(f"0-{i}-0", f"u{i}", (1.0,), one, "assumed") for i, one in enumerate(labels)], True)


def _trial(evidence: list[Case], reviewed: list[Case], champion: Model | None = CHAMPION) -> Trial:
    return Trial(champion, training_set(NAMES, []), evidence, reviewed, {})


def test_silence_counts_every_record_of_the_champion_a_key_as_often_as_it_came() -> None:
    trial = _trial([], [_case("fixed"), _case("fixed"), _case("broken", "b")])
    silence = judge(trial, CHALLENGER, _unreviewed(3, 2), alpha=ALPHA).facts["silence"]
    assert (silence["fixed"], silence["broken"], silence["rows"]) == (2, 3, 8)


def test_silence_says_nothing_where_there_is_more_of_it_or_nobody_looked() -> None:
    trial = _trial([], [_case("fixed")] * 9)
    assert judge(trial, CHALLENGER, _unreviewed(1, 0), alpha=ALPHA).path == "silence"
    for unreviewed in (None, Unreviewed([], complete=False)):
        verdict = judge(trial, CHALLENGER, unreviewed, alpha=ALPHA)
        assert (verdict.outcome, verdict.facts["silence"]) == ("shadow", None)


def test_it_is_asked_for_only_where_corrections_alone_would_be_enough() -> None:
    """Evidence that decides, too few corrections, a class that vanished: no need to read thousands of records."""
    volunteered = [_case("fixed")] * 9
    assert depends_on_silence(_trial([], volunteered), CHALLENGER, alpha=ALPHA)
    assert not depends_on_silence(_trial([_case("fixed")] * 9, volunteered), CHALLENGER, alpha=ALPHA)
    assert not depends_on_silence(_trial([_case("broken")] * 9, volunteered), CHALLENGER, alpha=ALPHA)
    assert not depends_on_silence(_trial([], volunteered[:4]), CHALLENGER, alpha=ALPHA)
    third = Model(1, ("maybe", "no", "yes"), NAMES, np.ones((3, 1)), np.zeros(3), np.zeros(1), np.ones(1))
    assert not depends_on_silence(_trial([], volunteered, champion=third), CHALLENGER, alpha=ALPHA)


@given(st.lists(kinds, max_size=20), st.lists(kinds, max_size=20), st.integers(0, 50), st.integers(0, 50))
def test_where_it_is_not_asked_for_it_would_have_changed_nothing(
    evidence: list[str], reviewed: list[str], kept: int, changed: int
) -> None:
    trial = _trial([_case(kind) for kind in evidence], [_case(kind) for kind in reviewed])
    asked = judge(trial, CHALLENGER, _unreviewed(kept, changed), alpha=ALPHA)
    if not depends_on_silence(trial, CHALLENGER, alpha=ALPHA):
        unasked = judge(trial, CHALLENGER, None, alpha=ALPHA)
        assert (asked.outcome, asked.path, asked.why) == (unasked.outcome, unasked.path, unasked.why)


def test_the_first_model_of_all_is_judged_by_the_majority_alone() -> None:
    metrics = {"accuracy": 0.9, "majority": 0.6, "majority_class": "yes"}
    first = Fitted(("no", "yes"), *(np.ones((1, 1)), np.zeros(1), np.zeros(1), np.ones(1)), None, metrics)
    trial = _trial([], [], champion=None)
    assert not depends_on_silence(trial, first, alpha=ALPHA)
    assert judge(trial, first, None, alpha=ALPHA).path == "first"
