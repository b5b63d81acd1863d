"""The gate: whether a challenger goes live, is watched as a shadow first, or is rejected.

Neither model is judged by a record that it was trained on. The champion's answer is the one stored when it scored the
record, or its answer now to a record whose key it was not trained on; the challenger answers out of fold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from relearn.agents.learning.evidence import Case
from relearn.agents.learning.fitted_model import Fitted
from relearn.agents.learning.significance import Tally, sign_test, tally, tally_fields, tally_text
from relearn.agents.learning.snapshot import Unreviewed
from relearn.agents.learning.trial import Trial
from relearn.agents.learning.usable_rows import scorable
from relearn.schemas.features import StringOf


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome for a challenger. `path`: the part of the gate that decided. `facts`: the numbers, JSON-able."""

    outcome: Literal["promoted", "rejected", "shadow"]
    path: Literal["evidence", "silence", "shadow", "vanished", "first"]
    why: str
    facts: dict[str, Any]


def judge_challenger(trial: Trial, fitted: Fitted, unreviewed: Unreviewed | None, *, alpha: float) -> Verdict:
    """Whether the challenger may go live.

    In the test with unreviewed records a key counts once per record: where a subject returns, one wrong correction must
    not outweigh all its records that were not corrected.

    Args:
        unreviewed: the champion's records that count as right; None: not read, and the gate leaves them out.
        alpha: the level of the gate's tests.
    """
    if trial.champion is None:
        metrics = fitted.metrics
        return judge_first(metrics["accuracy"], metrics["majority"], metrics["majority_class"])
    # A class whose examples were withdrawn, and of which no label is left, may vanish.
    vanished = [
        label
        for label in trial.champion.classes
        if label not in fitted.classes and not (label in trial.withdrawn and label not in trial.examples.set_aside)
    ]
    silence = None
    if unreviewed is not None and unreviewed.complete:
        right = [Case(one.key, one.features, one.label, one.label) for one in unreviewed.examples]
        string_of = {**trial.string_of, **unreviewed.string_of}
        silence = _tally([*trial.reviewed, *right], fitted, string_of)
    return gate(_tally(trial.evidence, fitted, trial.string_of), silence, vanished=vanished, alpha=alpha)


def depends_on_unreviewed(trial: Trial, fitted: Fitted, *, alpha: float) -> bool:
    """Whether the champion's unreviewed records can change the verdict.

    They count as "the champion was right", so they can only count against the challenger. They need to be read only
    where the challenger would pass the test with unreviewed records if there were none.
    """
    return judge_challenger(trial, fitted, Unreviewed([], complete=True), alpha=alpha).path == "silence"


def gate(evidence: Tally, silence: Tally | None, *, vanished: Sequence[str], alpha: float) -> Verdict:
    """Promoted, rejected, or to be watched as a shadow.

    Args:
        evidence: on the reviewed records since the champion's cut whose reviewer didn't choose them.
        silence: on all of the champion's records since, an unreviewed one counting as "champion right"; None: too many.
        vanished: classes that the champion answers and the challenger doesn't know, unless they were withdrawn.
        alpha: the level of both sign tests, below 0.5.
    """
    facts = {"alpha": alpha, "vanished": list(vanished), "evidence": tally_fields(evidence), "silence": None}
    if silence is not None:
        facts["silence"] = tally_fields(silence)
    if vanished:
        classes = ", ".join(map(repr, vanished))
        why = (
            f"it doesn't know {classes}, which the champion answers: too few labels, so add some or take the last back"
        )
        return Verdict("rejected", "vanished", why, facts)
    on_evidence = f"on the evidence {tally_text(evidence)}"
    if sign_test(evidence.fixed, evidence.broken) <= alpha:
        return Verdict("promoted", "evidence", on_evidence, facts)
    # Volunteers choose what they correct: they can't outweigh evidence that the champion is the better one.
    worse = sign_test(evidence.broken, evidence.fixed) <= alpha
    if silence is not None and not worse and sign_test(silence.fixed, silence.broken) <= alpha:
        why = f"on all records, silence counting against it, {tally_text(silence)}"
        return Verdict("promoted", "silence", why, facts)
    return Verdict("shadow", "shadow", f"not yet known to be better: {on_evidence}", facts)


def judge_first(accuracy: float, majority: float, majority_class: str) -> Verdict:
    """Whether the very first model may go live: out of fold it must beat always answering the most frequent class."""
    facts = {"accuracy": accuracy, "majority": majority, "majority_class": majority_class}
    why = (
        f"out of fold it is right in {accuracy:.1%}; answering {majority_class!r} every time is right in {majority:.1%}"
    )
    return Verdict("promoted" if accuracy > majority else "rejected", "first", why, facts)


def job_metrics(trial: Trial, fitted: Fitted, verdict: Verdict) -> dict[str, Any]:
    """The metrics stored with the job: the challenger out of fold, its training set's facts and the gate's figures."""
    figures = {"outcome": verdict.outcome, "path": verdict.path, "why": verdict.why, **verdict.facts}
    return {**fitted.metrics, "trained_on": trial.facts, "gate": figures}


def _tally(cases: Sequence[Case], fitted: Fitted, string_of: StringOf) -> Tally:
    d = len(fitted.mean) if fitted.encoder is None else len(fitted.encoder.parts)
    cases, features = scorable(cases, lambda case: case.features, d, fitted.encoder)
    answers = fitted.fold_models.answers([case.key for case in cases], features, string_of)
    return tally([case.truth for case in cases], [case.champion for case in cases], answers)
