"""A job's figures in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from relearn.agents.learning.gate import gate, judge_first
from relearn.agents.learning.shadow_verdict import shadow_verdict
from relearn.agents.learning.significance import Tally
from relearn.agents.stores.training.jobs import Job
from relearn.scripts.render.figures import gate_lines, trained_on_lines
from relearn.scripts.render.jobs_models import facts_line, job_lines

AT = datetime(2026, 9, 21, 12, tzinfo=UTC)
JOB = Job(
    "j", "train", "shadow", {"corrections": 20, "trigger": "count"}, None, None, 2, 1, None, AT, AT, None, None, 1
)


def figures(verdict: Any) -> dict[str, Any]:
    """As a job keeps them."""
    return {"outcome": verdict.outcome, "path": verdict.path, "why": verdict.why, **verdict.facts}


def test_the_gate_says_what_it_saw() -> None:
    verdict = gate(Tally(3, 1, 20), Tally(6, 4, 90), vanished=[], alpha=0.05)
    lines = list(gate_lines({"gate": figures(verdict)}))
    assert lines == [
        f"  gate          shadow: {verdict.why}",
        "    evidence    fixes 3, breaks 1 of 20 records, p = 0.31",
        "    silence     fixes 6, breaks 4 of 90 records, p = 0.38",
    ]


def test_a_first_model_and_one_without_figures_are_no_trouble() -> None:
    assert len(list(gate_lines({"gate": figures(judge_first(0.9, 0.5, "a"))}))) == 1
    assert list(gate_lines({})) == list(trained_on_lines({})) == []


def test_a_shadow_shows_its_evidence_so_far_and_at_its_end() -> None:
    begun = figures(gate(Tally(0, 0, 0), None, vanished=[], alpha=0.05))
    so_far = list(gate_lines({"gate": begun, "shadow": {"fixed": 5, "broken": 1, "rows": 7}}))
    assert so_far[-1] == "    so far      fixes 5, breaks 1 of 7 records, L = 1.33 (2.77 promotes, -1.56 rejects)"
    verdict = shadow_verdict(Tally(8, 0, 9), elapsed_s=3.0, labels_limit=30, time_limit_s=600.0)
    ended = list(
        gate_lines({"gate": {**begun, "shadow": figures(verdict)}, "shadow": {"fixed": 5, "broken": 1, "rows": 7}})
    )
    assert ended[-2].startswith("  as a shadow   promoted: as a shadow it fixes 8")
    assert ended[-1].startswith("    reviews     fixes 8, breaks 0 of 9 records, L = 3.24")


def test_what_was_trained_on_is_counted_by_where_it_came_from() -> None:
    found = {"cut": 31, "bootstrap": 40, "reviewed": 20, "assumed": 75, "corrections": 15, "confirmations": 5}
    lines = list(trained_on_lines({"trained_on": {**found, "waiting_for_later_jobs": 3, "disputed": ["0-1-0"]}}))
    assert lines[0] == "  trained on    40 bootstrap, 20 reviewed, 75 assumed; cut at correction 31"
    assert "15 corrections, 5 confirmations" in lines[1]
    assert lines[2] == "    waiting     3 reviews, for later jobs: too many from one reviewer"
    limited = [{"reviewer": "bot", "key": None, "reviews": 2}, {"reviewer": None, "key": None, "reviews": 1}]
    named = list(
        trained_on_lines({"trained_on": {**found, "waiting_for_later_jobs": 3, "limited": limited, "disputed": []}})
    )
    assert named[2].endswith("too many from bot (2), no name (1)")
    assert "0-1-0" in lines[3]


def test_the_trigger_comes_first_and_a_hold_is_not_promoted() -> None:
    assert facts_line(JOB.reason) == "trigger count, corrections 20"
    assert next(job_lines(JOB)) == "job j: train, shadow"
    held = replace(JOB, command="hold", state="promoted")
    assert held.outcome == "took effect"
    assert replace(held, command="activate").outcome == "promoted"
