"""Everything about one model as text, for `relearn model show`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from relearn.scripts.render.figures import gate_lines, moment, out_of_fold_lines, review_lines, sampled_line
from relearn.scripts.render.jobs_models import facts_line

if TYPE_CHECKING:
    from relearn.agents.stores.training.lineage import Activated, Lineage


def lineage_lines(found: Lineage) -> Iterator[str]:
    """One model: its examples, its figures and verdict, and its activations."""
    model, job = found.model, found.job
    yield f"model {model.version}: {model.state}"
    yield f"  created       {moment(model.created_at)} by job {job.id} ({job.outcome})"
    yield f"  reason        {facts_line(job.reason)}" + (f", by {job.by}" if job.by else "")
    yield f"  features      {len(found.features)}, version {model.schema}"
    counts_by_source = ", ".join(f"{count} {source}" for source, count in found.sources.items() if count)
    if "imported" not in model.metrics:
        yield f"  examples      {counts_by_source}; cut at correction {found.cut}"
    if found.available is not None and model.examples < found.available:
        yield sampled_line(model.examples, found.available, found.limit)
    for label, counts in found.classes.items():
        each = ", ".join(f"{count} {source}" for source, count in counts.items())
        yield f"    {label:<12}{sum(counts.values())} ({each})"
    judged = job.metrics or {}
    yield from review_lines(judged)
    yield from out_of_fold_lines(model.metrics)
    yield from gate_lines(judged)
    yield f"  SHA-256       {found.sha256}"
    if found.key_id is not None:
        yield f"  signed by     {found.key_id}"
    for one in found.activations:
        yield f"  activation {one.activation:<3}{_activation(one, own=one.job == job.id)}"


def _activation(one: Activated, *, own: bool) -> str:
    published = "not published yet" if one.published_at is None else f"published {moment(one.published_at)}"
    begin = f"{one.role} from {moment(one.at)}, {published}, by "
    return begin + ("its own job" if own else f"{one.by or 'the worker'}: {facts_line(one.reason)}, job {one.job}")
