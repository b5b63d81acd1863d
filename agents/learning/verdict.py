"""Champion and challenger compared, record by record: what the gate is told, and what it says.

Neither is judged by a record that it was trained on: the champion by the answer that it stored when it scored, or gives
now to a record whose key it never saw; the challenger out of fold.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from relearn.agents.learning.fit_messages import Fitted
from relearn.agents.learning.gate import Tally, Verdict, first, gate, tally
from relearn.agents.learning.training_set import set_digest
from relearn.agents.learning.trial import Case, Snapshot, Trial, Unreviewed


def nothing_new(snapshot: Snapshot, trial: Trial) -> str | None:
    """Why these examples make no job: they are those of the model trained last; None where they aren't."""
    if snapshot.newest is None or snapshot.newest[2] != set_digest(trial.examples):
        return None
    version, state, _ = snapshot.newest
    which = "the champion" if state == "champion" else state
    return f"nothing new to learn: model {version}, {which}, was trained on these very examples"


def judge(trial: Trial, fitted: Fitted, unreviewed: Unreviewed | None, *, alpha: float) -> Verdict:
    """Whether the challenger may go live.

    Here a key counts as often as it came: of a subject that returns, one wrong correction must not outweigh all the
    times that nobody objected.

    Args:
        unreviewed: the champion's records that count as right; None: they weren't looked at, and silence says nothing.
        alpha: the level of the gate's tests.
    """
    if trial.champion is None:
        metrics = fitted.metrics
        return first(metrics["accuracy"], metrics["majority"], metrics["majority_class"])
    vanished = [label for label in trial.champion.classes if label not in fitted.classes]
    silence = None
    if unreviewed is not None and unreviewed.complete:
        right = [Case(one.key, one.features, one.label, one.label) for one in unreviewed.examples]
        silence = _tally([*trial.reviewed, *right], fitted)
    return gate(_tally(trial.evidence, fitted), silence, vanished=vanished, alpha=alpha)


def depends_on_silence(trial: Trial, fitted: Fitted, *, alpha: float) -> bool:
    """Whether the champion's unreviewed records can make a difference to the verdict.

    They count as "the champion was right", so that they can only speak against the challenger: there is no need to look
    at them unless it would pass by silence without them.
    """
    return judge(trial, fitted, Unreviewed([], complete=True), alpha=alpha).path == "silence"


def job_metrics(trial: Trial, fitted: Fitted, verdict: Verdict) -> dict[str, Any]:
    """What the job keeps: the challenger out of fold, what it was trained on, and the gate's figures."""
    figures = {"outcome": verdict.outcome, "path": verdict.path, "why": verdict.why, **verdict.facts}
    return {**fitted.metrics, "trained_on": trial.facts, "gate": figures}


def _tally(cases: Sequence[Case], fitted: Fitted) -> Tally:
    features = np.array([case.features for case in cases], dtype=np.float64).reshape(len(cases), len(fitted.mean))
    answers = fitted.answers([case.key for case in cases], features)
    return tally([case.truth for case in cases], [case.champion for case in cases], answers)
