"""A job's and a model's figures as text: out-of-fold accuracy, training data, and the gate's verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

Figures = Mapping[str, Any]


def share(part: float | None) -> str:
    """A share of one as a percentage; empty if it is unknown."""
    return "" if part is None else f"{part:.1%}"


def moment(at: datetime) -> str:
    """A time on this machine's clock, to the second."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def out_of_fold_lines(metrics: Figures) -> Iterator[str]:
    """A model's accuracy on records that it was not trained on; of an imported one on the labelled records of here."""
    imported = metrics.get("imported")
    if imported is not None:
        knows = ", trained on labels of this namespace" if imported.get("knows_labels") else ""
        yield f"  imported      {imported.get('estimator')} from {imported.get('file')}{knows}"
        yield f"    file        SHA-256 {imported.get('sha256')}"
    if "accuracy" not in metrics:
        return
    yield (
        f"  {'on labels' if imported is not None else 'out of fold':<14}{share(metrics['accuracy'])} right"
        f" (always {metrics.get('majority_class')!r}: {share(metrics.get('majority'))})"
    )
    for label, counts in metrics.get("per_class", {}).items():
        yield f"    {label:<12}{counts['right']} of {counts['examples']} right, answered {counts['answered']} times"
    for label, count in metrics.get("set_aside", {}).items():
        why = "at least two are needed" if count < 2 else "there are too many classes"
        yield f"    {label:<12}left out: {count} example{'' if count == 1 else 's'}, {why}"
    unnamed = metrics.get("classes_set_aside", 0) - len(metrics.get("set_aside", {}))
    if unnamed > 0:
        yield f"    and {unnamed} classes more left out"
    if "c" in metrics:
        yield f"  C             {metrics['c']}"


def trained_on_lines(metrics: Figures) -> Iterator[str]:
    """The examples that a job's model was trained on, and the reviews that it could use."""
    found = metrics.get("trained_on")
    if not found:
        return
    yield (
        f"  trained on    {found['bootstrap']} bootstrap, {found['reviewed']} reviewed, {found['assumed']} assumed;"
        f" cut at correction {found['cut']}"
    )
    labels = found.get("labels")
    if labels and labels["used"] < labels["available"]:
        yield sampled_line(labels["used"], labels["available"], labels["limit"])
    yield from review_lines(metrics)
    left_out = found.get("left_out") or {}
    if left_out.get("rows"):
        reasons = ", ".join(f"{count} {reason}" for reason, count in left_out["reasons"].items())
        yield f"    left out    {left_out['rows']} rows that training can't use ({reasons}):"
        for row in left_out["first"][:5]:
            yield f"      {row['source']} {row['id']}: {row['reason']}" + (
                f" in {row['feature']!r}" if row["feature"] else ""
            )


def sampled_line(used: int, available: int, limit: int | None) -> str:
    """That a training used a sample of the labels."""
    return (
        f"    sampled     {used} of {available} labels: the newest and a sample of the others"
        f" (RELEARN_TRAIN_MAX_LABELS={limit})"
    )


def review_lines(metrics: Figures) -> Iterator[str]:
    """The reviews at the cut: corrections, confirmations, and those that were left out."""
    found = metrics.get("trained_on")
    if not found:
        return
    yield f"    reviews     {found['corrections']} corrections, {found['confirmations']} confirmations"
    if found["waiting_for_later_jobs"]:
        limited = [f"{one['reviewer'] or 'no name'} ({one['reviews']})" for one in found.get("limited") or ()]
        whose = ", ".join(limited[:5]) + (" …" if len(limited) > 5 else "") if limited else "one reviewer"
        yield f"    waiting     {found['waiting_for_later_jobs']} reviews, for later jobs: too many from {whose}"
    if found["disputed"]:
        named = ", ".join(found["disputed"][:5]) + (" …" if len(found["disputed"]) > 5 else "")
        yield f"    disputed    {len(found['disputed'])} predictions, on which reviewers differ: {named}"


def gate_lines(metrics: Figures) -> Iterator[str]:
    """The gate's figures and verdict, and the evidence of a shadow, so far or at its end."""
    gate = metrics.get("gate")
    if gate:
        yield f"  gate          {gate['outcome']}: {gate['why']}"
        for name in ("evidence", "silence"):
            if gate.get(name):
                yield f"    {name:<12}{_counts(gate[name])}"
    ended = (gate or {}).get("shadow")
    so_far = metrics.get("shadow")
    if ended:
        yield f"  as a shadow   {ended['outcome']}: {ended['why']}"
        so_far = ended.get("shadow", so_far)
    if so_far:
        from relearn.agents.learning.shadow_verdict import SHADOW_PROMOTES, SHADOW_REJECTS  # noqa: PLC0415 - imports scipy
        from relearn.agents.learning.significance import log_evidence  # noqa: PLC0415

        evidence = log_evidence(so_far["fixed"], so_far["broken"])
        bounds = f"{SHADOW_PROMOTES} promotes, {SHADOW_REJECTS} rejects"
        yield f"    {'reviews' if ended else 'so far':<12}{_told(so_far)}, L = {evidence:.2f} ({bounds})"


def _counts(figures: Figures) -> str:
    return f"{_told(figures)}, p = {figures['p']:.2g}"


def _told(figures: Figures) -> str:
    return f"fixes {figures['fixed']}, breaks {figures['broken']} of {figures['rows']} records"
