"""`relearn bench loop`: its rounds, and that its figures only count what happened."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from relearn.schemas.identity import Place
from relearn.scripts.dev.bench.loop.concept import Clusters
from relearn.scripts.dev.bench.loop.feedback_sender import Answered, said, unsaid
from relearn.scripts.dev.bench.loop.figures import PARTS, PUBLISHED, STAGES, TOTAL, Found, as_json, gates
from relearn.scripts.dev.bench.loop.rounds import Round
from relearn.scripts.dev.bench.loop.worker_logs import Swap, first_above, parts_of, swaps

ANSWERS = [Answered(Place(0, 0, i, 0), "0", "1" if i < 3 else "0") for i in range(10)]


def _log(*activations: int) -> str:
    lines = [
        f"timestamp=2026-01-02T03:04:0{number}.250000Z level=info event=model_swapped version=7"
        f" activation={activation} published_ms_ago=12.5 worker=score-1 role=score"
        for number, activation in enumerate(activations)
    ]
    return "\n".join(["timestamp=2026-01-02T03:04:00Z level=info event=worker_ready role=score", *lines, ""])


def _round(**given: object) -> Round:
    columns = {
        "way": "silence",
        "number": 1,
        "wrong": 90,
        "said": 90,
        "trigger": "count",
        "gate": "silence",
        "said_s": 100.0,
        "queued_s": 101.0,
        "started_s": 101.25,
        "ended_s": 103.25,
        "parts_s": {"read": 0.25, "prepare": 0.25, "fit": 0.5, "judge": 1.0, "conclude": 0.25},
        "live_s": 103.5,
        "published_ms": 40.0,
    }
    return Round(**{**columns, **given})  # type: ignore[arg-type]


@pytest.mark.parametrize("turn", range(5))
def test_a_turn_leaves_the_concept_before_it_with_exactly_so_many_wrong(turn: int) -> None:
    """And the one two turns before with all of them: the labels of each turn are those of its side of the plane."""
    clusters = Clusters.seeded(3)
    features, labels = clusters.turned(200, turn, wrong=90)
    now, before, earlier = (_answers(clusters, features, turn - back) for back in (0, 1, 2))
    # Clusters lie three deviations from the border: hardly a record is on the wrong side.
    assert np.mean(now == np.array(labels)) > 0.97
    assert abs(int(np.sum(before != np.array(labels))) - 90) < 8
    assert np.mean(earlier != np.array(labels)) > 0.97


def _answers(clusters: Clusters, features: np.ndarray, turn: int) -> np.ndarray:
    """The labels of a model that knows the concept of a turn."""
    direction = [clusters.plane[0], clusters.plane[1], -clusters.plane[0], -clusters.plane[1]][turn % 4]
    return np.where(features @ direction > 0, "1", "0")


def test_the_same_seed_makes_the_same_world() -> None:
    one, other, another = (Clusters.seeded(seed).turned(50, 1, wrong=20) for seed in (1, 1, 2))
    assert (one[0].tobytes(), one[1]) == (other[0].tobytes(), other[1])
    assert one[0].tobytes() != another[0].tobytes()


def test_silence_says_what_is_wrong_and_evidence_says_it_all() -> None:
    errors, audits = said(ANSWERS, "silence", "a"), said(ANSWERS, "evidence", "b")
    assert [(one.prediction, one.label, one.via) for one in errors] == [
        (ANSWERS[i].place, "1", "volunteer") for i in range(3)
    ]
    assert [(one.prediction, one.label, one.via) for one in audits] == [
        (one.place, one.truth, "audit") for one in ANSWERS
    ]
    assert len({one.id for one in [*errors, *audits]}) == 13


def test_all_that_was_said_is_taken_back_by_who_said_it() -> None:
    statements = said(ANSWERS, "evidence", "a")
    back = unsaid(statements)
    assert [(one.prediction, one.reviewer, one.label) for one in back] == [
        (one.prediction, one.reviewer, None) for one in statements
    ]
    assert not {one.id for one in back} & {one.id for one in statements}


def test_a_swap_is_read_from_a_log() -> None:
    found = swaps(_log(3, 4))
    assert [one.activation for one in found] == [3, 4]
    assert found[1] == Swap(4, found[0].at_s + 1, 12.5)


def test_a_model_is_live_when_the_last_process_has_swapped(tmp_path: Path) -> None:
    logs = [tmp_path / name for name in ("score-1.log", "score-2.log", "retrain-1.log")]
    for log, activations in zip(logs[:2], [(1, 2), (1, 3)], strict=True):
        log.write_text(_log(*activations))
    assert first_above(logs, 1) is None
    logs[2].write_text(_log(1))
    assert first_above(logs, 1) is None
    logs[2].write_text(_log(1, 2, 3))
    found = first_above(logs, 1)
    assert found is not None
    assert [one.activation for one in found] == [2, 3, 2]


def test_the_stages_of_a_round_sum_to_its_total() -> None:
    one = _round()
    stages = {
        name: of(one) for name, of in STAGES.items() if name not in {TOTAL, PUBLISHED} and name.strip() not in PARTS
    }
    assert list(stages.values()) == [1.0, 0.25, 2.0, 0.25]
    assert sum(stages.values()) == STAGES[TOTAL](one) == 3.5
    assert [STAGES[f"    {part}"](one) for part in PARTS] == [0.25, 0.25, 0.5, 1.0, 0.25]


def test_the_parts_of_a_training_are_read_from_a_log(tmp_path: Path) -> None:
    logs = [tmp_path / "score-1.log", tmp_path / "retrain-1.log"]
    logs[1].write_text(
        "timestamp=2026-01-02T03:04:05Z level=info event=job_timed job=a labels=220 read_s=0.011 prepare_s=0.021"
        " fit_s=0.2 judge_s=0.0 conclude_s=0.004 worker=retrain-1\n"
    )
    assert parts_of(logs, "b") is None
    assert parts_of(logs, "a") == {"read": 0.011, "prepare": 0.021, "fit": 0.2, "judge": 0.0, "conclude": 0.004}
    assert tuple(parts_of(logs, "a") or ()) == PARTS


def test_known_records_lie_far_from_every_concept() -> None:
    clusters = Clusters.seeded(3)
    far, (near, _) = clusters.far(100), clusters.records(100, 0)
    assert np.abs(far @ clusters.plane.T).mean() < 1.0
    assert np.linalg.norm(far.mean(axis=0)) > 3 * np.linalg.norm(near.mean(axis=0))


def test_rounds_that_another_part_of_the_gate_promoted_are_told_apart() -> None:
    rounds = [_round(), _round(number=2), _round(number=3, gate="shadow")]
    assert gates(rounds) == {"silence (trigger count)": 2, "shadow (trigger count)": 1}
    fields = as_json(Found(load=[1.0, 2.0], rounds=rounds), ("silence", "evidence"))
    assert fields["promoted_by"] == {"silence": gates(rounds), "evidence": {}}
    assert [one["number"] for one in fields["rounds"]] == [1, 2, 3]
    assert fields["stages"]["silence"][TOTAL] == [3.5] * 4
