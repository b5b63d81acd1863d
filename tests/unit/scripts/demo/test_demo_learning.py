"""Held-back records, the shift, and the texts about policy, verdicts and drift in the demo."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relearn.agents.learning.drift import Comparison
from relearn.agents.learning.drift import Shift as FeatureShift
from relearn.agents.learning.fit import fit
from relearn.agents.learning.training_set import Example, training_set
from relearn.agents.stores.training.drift import DriftRow, DriftState, Window
from relearn.agents.stores.training.jobs import Job, State
from relearn.schemas.errors import Refused
from relearn.schemas.model.linear_svm import Model
from relearn.schemas.settings import read_settings
from relearn.scripts.data.datasets import Dataset, load_dataset
from relearn.scripts.demo.checks.held_back import ChampionAccuracy, HeldBack, unseen
from relearn.scripts.demo.checks.result import Result
from relearn.scripts.demo.display.summary import held_back_lines
from relearn.scripts.demo.next_steps import next_lines
from relearn.scripts.demo.options import HELD_BACK, NAMESPACE, split_data, with_namespace
from relearn.scripts.demo.traffic.shift import BY_SD, FEATURES, MAX_ACCURACY, accuracy, choose_shift
from relearn.scripts.demo.traffic.stream import labelled, records
from relearn.scripts.demo.watch.drift import DriftWatch, drift_text
from relearn.scripts.demo.watch.retrains import command_text, shadow_text, shorten_ids, trigger_text, verdict_text

DIGITS, CANCER = load_dataset("digits"), load_dataset("breast_cancer")


@given(st.integers(0, 1000), st.sampled_from([DIGITS, CANCER, load_dataset("wine")]))
def test_what_is_held_back_never_streams_and_never_trains(seed: int, dataset: Dataset) -> None:
    """The three parts are all rows, each once, and each class is in each of them."""
    parts = split_data(dataset, 60, seed)
    training, real, held = (set(one.subjects) for one in (parts.training, parts.real, parts.held_back))
    assert training | real | held == set(dataset.subjects)
    assert len(training) + len(real) + len(held) == len(dataset)
    assert 0 < len(held) <= min(HELD_BACK, (len(dataset) - 60) // 3)
    assert all(
        set(one.labels or ()) == set(dataset.labels or ()) for one in (parts.training, parts.real, parts.held_back)
    )


def test_the_stream_is_made_of_real_rows_only() -> None:
    """Whatever is sent is one of them, or a noisy copy of one."""
    parts = split_data(CANCER, 60, 3)
    sent = {subject for piece, _ in zip(records(parts.real, 3), range(40), strict=False) for subject in piece.subjects}
    assert sent <= set(parts.real.subjects)
    assert next(labelled(records(parts.real, 3), "run")).labels == (parts.real.labels or ())[:1]


def test_the_same_seed_holds_back_the_same() -> None:
    """Another one doesn't."""
    one, same, other = (split_data(DIGITS, 60, seed).held_back.subjects for seed in (1, 1, 2))
    assert one == same != other


def test_too_few_records_are_refused() -> None:
    """All of them train, or all but two."""
    for rows in (len(CANCER), len(CANCER) - 2, len(CANCER) + 1):
        with pytest.raises(Refused):
            split_data(CANCER, rows, 0)


def test_what_a_model_has_seen_judges_nobody() -> None:
    """An earlier run with another seed may have trained on some of it."""
    held = split_data(CANCER, 60, 0).held_back
    left = unseen(held, held.subjects[:5])
    assert left.subjects == held.subjects[5:]
    assert left.labels == (held.labels or ())[5:]
    assert len(unseen(held, held.subjects)) == 0


@pytest.mark.parametrize(
    ("source", "drift", "namespace"),
    [
        ("digits", False, None),
        ("digits", True, "relearn-digits"),
        ("breast_cancer", True, "relearn-breast-cancer"),
        ("breast_cancer", False, "relearn-breast-cancer"),
        ("/data/Müll 2024.csv", False, "relearn-m-ll-2024"),
        ("…", False, "relearn-file"),
        (f"{'x' * 80}.csv", False, f"relearn-{'x' * 32}"),
    ],
)
def test_other_data_has_a_namespace_of_its_own(source: str, drift: bool, namespace: str | None) -> None:
    """One that the settings take; and none where one is set."""
    environment = with_namespace({"A": "1"}, source, drift=drift)
    assert environment == ({"A": "1"} if namespace is None else {"A": "1", NAMESPACE: namespace})
    assert read_settings(environment).namespace == (namespace or "relearn")
    assert with_namespace({NAMESPACE: "mine"}, source, drift=drift) == {NAMESPACE: "mine"}


def champion_of(training: Dataset) -> Model:
    """The demo's first one."""
    rows = zip(training.subjects, training.features.tolist(), training.labels or (), strict=True)
    examples = [Example(i, subject, features, label) for i, (subject, features, label) in enumerate(rows)]
    return fit(training_set(training.feature_names, examples)).as_model(1, training.feature_names)


@pytest.mark.parametrize("seed", range(5))
def test_a_shift_moves_six_readings_and_the_model_falls(seed: int) -> None:
    """By two of their standard deviations; the others, labels and subjects stay, and the same seed shifts the same."""
    parts = split_data(CANCER, 60, seed)
    real, model = parts.real, champion_of(parts.training)
    shift = choose_shift(model, real, seed)
    after = shift.apply(real)
    moved = after.features - real.features
    chosen = [real.feature_names.index(name) for name in shift.names]
    assert len(chosen) == FEATURES
    assert np.allclose(moved[:, chosen], BY_SD * real.features.std(axis=0)[chosen])
    assert not np.delete(moved, chosen, axis=1).any()
    assert (after.labels, after.subjects) == (real.labels, real.subjects)
    assert accuracy(model, real) > 0.9
    assert accuracy(model, after) <= MAX_ACCURACY
    assert choose_shift(model, real, seed).names == shift.names
    assert all(f"{name} +" in shift.text for name in shift.names)


def test_where_no_shift_is_enough_the_worst_is_taken() -> None:
    """A model that looks at nothing doesn't fall at all."""
    parts = split_data(CANCER, 60, 0)
    model = champion_of(parts.training)
    deaf = replace(model, weights=np.zeros_like(model.weights), bias=np.array([1.0]))
    sure = replace(parts.real, labels=(deaf.classes[1],) * len(parts.real))
    shift = choose_shift(deaf, sure, 0)
    assert len(shift.names) == FEATURES
    assert accuracy(deaf, shift.apply(sure)) == 1.0


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


def test_a_jobs_id_is_told_in_brief() -> None:
    """A line has no room for all of it."""
    words = shorten_ids("3 of 20 corrections; a training is open: b8d3b3da-45ec-5cfd-8dc2-07de8e47880c")
    assert words == "3 of 20 corrections; a training is open: b8d3b3da"


def test_drift_is_told_by_the_readings_that_moved_most() -> None:
    """The four with the largest PSI, of however many."""
    names = tuple("abcdef")
    shifts = {name: FeatureShift(float(i), 0.0, (1,), True) for i, name in enumerate(names)}
    row = DriftRow(1, 1, DriftState(window=Window(2, 0.0, Comparison(shifts, 500))), names)
    assert drift_text(row) == "6 readings: f (PSI 5.00), e (PSI 4.00), d (PSI 3.00), c (PSI 2.00) and 2 more"
    assert drift_text(replace(row, drifted=("b",))) == "1 reading: b (PSI 1.00)"


def test_drift_is_told_once_and_again_where_there_is_more() -> None:
    """Per champion; a feature that drifts no longer is not reported, and the reviewer is called each time."""
    told, minded = list[str](), list[tuple[str, ...]]()
    drifts = DriftWatch(None, lambda _, text, style="": told.append(text), minded.append)
    assert not drifts.has_reference
    for activation, drifted in ((1, ()), (1, ("a",)), (1, ("a",)), (1, ("a", "b")), (1, ("b",)), (2, ("b",)), (2, ())):
        drifts.take(DriftRow(activation, 1, drifted=drifted))
    assert [text.split(":")[0] for text in told] == ["seen in 1 reading", "seen in 2 readings", "seen in 1 reading"]
    assert minded == [(), ("a",), ("a",), ("a", "b"), ("b",), ("b",), ()]


def test_held_back_accuracy_is_told_of_each_champion() -> None:
    """Before and after the shift where there was one, and plainly where nothing is left to judge by."""
    plain = [*held_back_lines(HeldBack(300, [ChampionAccuracy(1, 0.793, None), ChampionAccuracy(3, 0.937, None)]))]
    assert plain[0] == "On 300 held-back records, never streamed, that no model has seen:"
    assert [line.split() for line in plain[2:]] == [["champion", "1", "79.3", "%"], ["champion", "3", "93.7", "%"]]
    shifted = [*held_back_lines(HeldBack(150, [ChampionAccuracy(1, 0.98, 0.55), ChampionAccuracy(2, 0.97, 0.96)]))]
    assert shifted[1].split() == ["as", "they", "were", "shifted"]
    assert shifted[2].split() == ["champion", "1", "98.0", "%", "55.0", "%"]
    assert len([*held_back_lines(HeldBack(0, []))]) == 1


def test_it_went_well_where_all_agrees_and_something_was_promoted() -> None:
    """Of a champion that had learned before, the latter isn't asked."""
    assert Result(agreed=True, promoted=True, started_taught=False).succeeded
    assert Result(agreed=True, promoted=False, started_taught=True).succeeded
    assert not Result(agreed=True, promoted=False, started_taught=False).succeeded
    assert not Result(agreed=False, promoted=True, started_taught=True).succeeded


def test_what_to_try_next_fits_the_screen() -> None:
    """Also for the second act."""
    for oracle in ("digits", "breast_cancer"):
        found = next_lines(oracle, 12)
        assert max(len(line) for line in found) <= 78
        assert any(f"review --oracle {oracle} " in line for line in found)
