"""`relearn bench learn`: its curve, its bars and its chart, on runs that are made up."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from relearn.agents.learning.reviews import Statement
from relearn.agents.stores.training.jobs import Job
from relearn.schemas.features import numbers_alone
from relearn.schemas.identity import Place
from relearn.schemas.messages.ingest import CE_TYPE_ONE
from relearn.schemas.model.linear_svm import Model
from relearn.scripts.data.datasets import Dataset
from relearn.scripts.dev.bench.learn.bars import bars, standstill
from relearn.scripts.dev.bench.learn.chart import Plot, chart
from relearn.scripts.dev.bench.learn.curve import (
    Labelled,
    Point,
    accuracies,
    checkpoints,
    curve,
    mean_gap,
    reference_accuracy,
)
from relearn.scripts.dev.bench.learn.scenes import FIRST_ROWS, HELD_BACK, SCENES, messages
from relearn.scripts.dev.bench.learn.watch import Decision, Sample, Stored, Swap, decisions_of
from relearn.scripts.dev.bench.policy.streams import STREAMS

NAMES = tuple(f"x{i + 1}" for i in range(12))


def _sample(at_s: float, labels: int, untrained: int = 0, champion: int = 1) -> Sample:
    return Sample(at_s, labels, labels, untrained, champion)


def _point(at_s: float, labels: int, accuracy: float, reference: float, champion: int = 1) -> Point:
    return Point(at_s, labels, 0, champion, accuracy, reference, 0.1)


def _stored(**given: Any) -> Stored:
    nothing: dict[str, Any] = {
        "statements": (),
        "swaps": (),
        "models": {},
        "decisions": (),
        "failed": (),
        "dead_letters": {},
        "corrections_s": (),
    }
    return Stored(**{**nothing, **given})


def _decided(*at_s: float) -> list[Decision]:
    return [Decision(one, 1.0, "job", "the count", 2, "promoted", "") for one in at_s]


def _statements(dataset: Dataset) -> list[Statement]:
    rows = zip(dataset.subjects, dataset.features, dataset.labels or (), strict=True)
    return [
        Statement(i, Place(0, 0, i, 0), key, row.tolist(), label, label, 1, 1, "ann", "audit", (i, 0, i), float(i))
        for i, (key, row, label) in enumerate(rows)
    ]


@pytest.fixture(scope="module")
def drawn() -> tuple[Dataset, Dataset, Dataset]:
    """First rows, labelled records and held-back ones."""
    first, draw = STREAMS["multi_class"].source(FIRST_ROWS, 0, np.random.default_rng(0))
    return first, draw(300), draw(1000)


def test_checkpoints_are_spread_over_labels_and_end_with_the_run() -> None:
    """A time without labels has no more points than one with many."""
    samples = [_sample(t, 0) for t in range(50)] + [_sample(50 + t, 10 * t) for t in range(101)]
    found = checkpoints(samples, 20)
    assert len(found) <= 20
    assert [found[0], found[-1]] == [samples[0], samples[-1]]
    labels = [one.labels for one in found]
    assert labels == sorted(set(labels))
    assert max(np.diff(labels)) <= 60
    assert checkpoints([]) == []
    assert checkpoints(samples[:1], 20) == samples[:1]


def test_the_reference_is_scikit_learn_on_the_first_rows_and_the_labels_so_far(
    drawn: tuple[Dataset, Dataset, Dataset],
) -> None:
    first, records, held_back = drawn
    labelled = Labelled.of(first, _statements(records))
    for labels in (0, 200):
        found, c = reference_accuracy(labelled, labels, held_back)
        svm = LinearSVC(class_weight="balanced", dual=False, C=c)
        rows = np.vstack([first.features, records.features[:labels]])
        y = [*(first.labels or ()), *(records.labels or ())[:labels]]
        assert found == make_pipeline(StandardScaler(), svm).fit(rows, y).score(held_back.features, held_back.labels)
        assert c in {0.01, 0.1, 1.0}


def test_c_is_chosen_by_records_of_other_keys() -> None:
    """Rows that come five times, with labels by chance: told apart by rows, the C that learns them by heart wins."""
    rng = np.random.default_rng(0)
    subjects, names = tuple(f"s{i}" for i in range(40)), tuple(f"x{i}" for i in range(20))
    features, y = rng.standard_normal((40, 20)), rng.integers(0, 2, 40)
    once = Dataset("chance", numbers_alone(names), features, tuple("ab"[i] for i in y), subjects)
    empty = once.take(slice(0, 0))
    by_key = Labelled.of(empty, _statements(once.take(np.arange(200) % 40)))
    by_row = replace(by_key, folds=np.arange(200) // 40)
    assert reference_accuracy(by_row, 200, once)[1] == 1.0
    assert reference_accuracy(by_key, 200, once)[1] == 0.01


def test_a_point_has_the_accuracy_of_the_champion_of_its_time(drawn: tuple[Dataset, Dataset, Dataset]) -> None:
    first, records, held_back = drawn
    classes = tuple(sorted(set(held_back.labels or ())))
    always = {
        version: Model(version, classes, NAMES, np.zeros((4, 12)), np.eye(4)[of], np.zeros(12), np.ones(12))
        for version, of in ((1, 0), (2, 1))
    }
    shares = [float(np.mean(np.array(held_back.labels) == one)) for one in classes]
    samples = [_sample(1, 10, champion=1), _sample(2, 20, 5, champion=2)]
    done: list[int] = []
    right = accuracies(always, held_back)
    points = curve(samples, Labelled.of(first, _statements(records)), right, held_back, done.append)
    assert right == dict(zip((1, 2), shares, strict=False))
    assert [one.accuracy for one in points] == shares[:2]
    assert [(one.labels, one.untrained, one.champion) for one in points] == [(10, 0, 1), (20, 5, 2)]
    assert points[0].gap == points[0].reference - points[0].accuracy > 0
    assert done == [1, 2]


def test_the_mean_gap_begins_after_a_time() -> None:
    points = [_point(10, 1, 0.5, 0.9), _point(61, 2, 0.9, 0.92), _point(90, 3, 0.93, 0.93)]
    assert mean_gap(points, after_s=60.0) == pytest.approx(0.01)
    assert mean_gap(points[:1], after_s=60.0) is None


@pytest.mark.parametrize(
    ("decisions", "corrections", "longest"),
    [
        ([], [], (0.0, 0.0)),
        ([], [3.0, 50.0], (47.0, 3.0)),
        ([60.0], [3.0, 50.0], (47.0, 3.0)),
        ([10.0, 100.0], [5.0, 40.0, 120.0], (60.0, 40.0)),
        ([-5.0, 10.0], [20.0, 95.0], (75.0, 20.0)),
        ([-5.0, 10.0, 300.0], [9.0], (0.0, 0.0)),
    ],
)
def test_a_standstill_runs_from_the_first_correction_to_the_next_decision_while_corrections_come(
    decisions: Sequence[float], corrections: Sequence[float], longest: tuple[float, float]
) -> None:
    """Time without corrections isn't one."""
    assert standstill(decisions, corrections) == longest


def test_the_bars_of_the_reviewer_are_kept_and_missed() -> None:
    scene, samples = SCENES["reviewer"], [_sample(t, 2 * t) for t in range(901)]
    decided, corrections = _decided(*range(0, 901, 50)), [float(t) for t in range(900)]
    good = bars(scene, _stored(decisions=decided, corrections_s=corrections), samples, [_point(900, 1800, 0.95, 0.959)])
    assert [bar.verdict for bar in good] == ["PASS"] * 4
    fewer = [one for one in decided if one.at_s != 450]
    bad = bars(scene, _stored(decisions=fewer, corrections_s=corrections), samples, [_point(900, 1800, 0.95, 0.961)])
    assert [bar.verdict for bar in bad] == ["PASS", "PASS", "FAIL", "FAIL"]
    assert bad[2].found == "99 s, from 401 s on"


def test_the_bars_of_the_feed_leave_out_the_first_minute() -> None:
    scene = SCENES["feed"]
    samples = [_sample(t, 500 * t, 20_000 if t < 50 else 15_000) for t in range(1, 181)]
    points = [_point(30, 15_000, 0.86, 0.94), _point(90, 45_000, 0.94, 0.941), _point(180, 90_000, 0.939, 0.943)]
    assert [bar.verdict for bar in bars(scene, _stored(), samples, points)] == ["PASS"] * 5
    late, behind = [*samples[:-1], _sample(180, 90_000, 15_001)], [*points[:-1], _point(180, 90_000, 0.93, 0.945)]
    assert [bar.verdict for bar in bars(scene, _stored(), late, behind)] == ["PASS", "PASS", "FAIL", "FAIL", "FAIL"]


def test_a_short_run_is_judged_only_by_what_holds_at_any_length() -> None:
    stored = _stored(dead_letters={"score dimension": 2}, failed=["train x: no"])
    found = bars(SCENES["feed"], stored, [_sample(100, 9, 99_999)], [])
    assert [bar.verdict for bar in found] == ["FAIL", "FAIL", *["not judged"] * 3]


def _job(state: str, *, path: str = "evidence", ended_s: float | None = 130.0) -> Job:
    gate = {"path": path, "why": "its figures", "shadow": {"why": "as a shadow it fixes 9"}}
    ended = None if ended_s is None else datetime.fromtimestamp(ended_s, UTC)
    began = datetime.fromtimestamp(105.0, UTC)
    reason = {"trigger": "labels", "labels": 100, "labels_needed": 100, "corrections": 7}
    metrics = {"gate": gate}
    return Job("j", "train", state, reason, None, None, 3, 2, metrics, began, began, ended, None, 5)  # type: ignore[arg-type]


def test_a_shadow_is_two_decisions_and_any_other_training_one() -> None:
    (one,) = decisions_of(_job("promoted"), 130.0, 100.0)
    assert (one.at_s, one.took_s, one.outcome, one.version) == (30.0, 25.0, "promoted", 3)
    shadow, end = decisions_of(_job("superseded", path="shadow"), 110.0, 100.0)
    assert (shadow.at_s, shadow.took_s, shadow.outcome) == (10.0, 5.0, "shadow")
    assert (end.at_s, end.took_s, end.outcome) == (30.0, 20.0, "superseded")
    assert "its figures" in shadow.text
    assert [one.outcome for one in decisions_of(_job("shadow", path="shadow", ended_s=None), 110.0, 100.0)] == [
        "shadow"
    ]


def _plot(**given: Any) -> Plot:
    drawn: dict[str, Any] = {
        "title": "reviewer: A & B <noisy>",
        "detail": "2 labels/s, seed 0",
        "points": [_point(t, 20 * t, 0.8 + t / 100, 0.85 + t / 200, 1 + t // 4) for t in range(1, 11)],
        "samples": [_sample(t, 20 * t, 7 * t) for t in range(1, 11)],
        "swaps": [Swap(-1.0, 0, 1, "a"), Swap(4.0, 80, 2, "b"), Swap(4.1, 81, 3, "c"), Swap(9.0, 180, 2, "d")],
    }
    return Plot(**{**drawn, **given})


def test_the_chart_is_well_formed_and_marks_every_swap() -> None:
    """Also of two champions within a pixel, and of one that came back."""
    svg = ET.fromstring(chart([_plot(), _plot(title="feed")]))
    name = "{http://www.w3.org/2000/svg}"
    scenes = svg.findall(f"{name}g")
    assert len(scenes) == 2
    for scene, title in zip(scenes, ("reviewer: A & B <noisy>", "feed"), strict=True):
        assert [one.get("data-version") for one in scene.findall(f"{name}g")] == ["1", "2", "3", "2"]
        texts = ["".join(one.itertext()) for one in scene.iter(f"{name}text")]
        assert texts[:2] == [title, "2 labels/s, seed 0"]
        assert {"champion", "scikit-learn on all labels so far", "labels known to no training"} <= set(texts)
        assert any(text.endswith(" %") for text in texts)
        assert len(scene.findall(f"{name}circle")) == 10


def test_all_that_is_drawn_is_inside_the_picture() -> None:
    svg = ET.fromstring(chart([_plot()]))
    width, height = float(svg.attrib["width"]), float(svg.attrib["height"])
    assert all(0 <= float(one.get("x", 0)) <= width and 0 <= float(one.get("y", 0)) <= height for one in svg.iter())


@pytest.mark.parametrize("given", [{"points": [], "samples": [], "swaps": []}, {"points": [_point(1, 0, 0.9, 0.9)]}])
def test_a_run_that_ended_at_once_has_a_chart_too(given: dict[str, Any]) -> None:
    ET.fromstring(chart([_plot(**given)]))


@pytest.mark.parametrize("name", ["reviewer", "feed"])
def test_no_held_back_record_is_streamed_or_trains_the_first_model(name: Any) -> None:
    records = SCENES[name].draw(1)
    assert len(records.first) == FIRST_ROWS
    assert len(records.held_back) == HELD_BACK
    streamed: set[str] = set()
    for dataset in islice(records.streamed, 3):
        streamed.update(dataset.subjects)
    assert not {*records.held_back.subjects} & {*streamed, *records.first.subjects}
    sent = list(islice(messages(SCENES[name].draw(1).streamed, "run"), 3))
    assert [(one.event_id, one.kind, one.records) for one in sent] == [(f"run-{i}", CE_TYPE_ONE, 1) for i in range(3)]
