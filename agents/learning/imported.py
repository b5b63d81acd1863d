"""A model that was made elsewhere, as a challenger: it was fitted on no label of ours, so every label may judge it.

Assumed: the file wasn't trained on the records that judge it. The command for a file that was has `knows_labels`; then
no stored label judges it, and it scores as a shadow first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from relearn.agents.learning.calibration import calibrate
from relearn.agents.learning.encode import columns_matrix
from relearn.agents.learning.fitted_model import Fitted, FoldModel
from relearn.agents.learning.gate import Verdict
from relearn.agents.learning.metrics import classification_metrics
from relearn.agents.learning.predict import predict
from relearn.agents.learning.snapshot import Knowledge
from relearn.agents.learning.training_set import FOLDS, TrainingSet, training_set
from relearn.agents.learning.trial import Trial
from relearn.agents.learning.usable_rows import scorable
from relearn.schemas.model.linear_svm import Floats, Model, encode_model

#: Facts of a command `import` that its model keeps.
KEPT_FACTS = ("file", "sha256", "estimator", "knows_labels")


def import_digest(model: Model) -> bytes:
    """What stands for a training set's digest: SHA-256 of the imported numbers. Equal models have equal digests."""
    bare = replace(model, version=0, metrics={}, calibration=None)
    return hashlib.sha256(b"import-1" + encode_model(bare)).digest()


def as_fitted(model: Model, examples: TrainingSet, reason: Mapping[str, Any]) -> Fitted:
    """The imported model, measured and calibrated on the labelled ones of these examples, if there are any.

    It is its own answer to every fold: it was fitted on none of the keys. Where there are labelled examples, its means
    and its calibration are those of the records here; else those of the file.

    Args:
        reason: facts of the command; the model keeps where it comes from.
    """
    facts = {name: reason[name] for name in KEPT_FACTS if name in reason}
    rows, features = _labelled(model, examples)
    metrics: dict[str, Any] = {"imported": facts}
    calibration = None if model.calibration is None else dict(model.calibration)
    mean, scale = model.mean, model.scale
    if rows:
        labels, margins = predict(model, features)
        truths = [examples.labels[i] for i in rows]
        names = [*model.classes, *sorted(set(truths).difference(model.classes))]
        y = np.array([names.index(one) for one in truths], dtype=np.intp)
        metrics = {**classification_metrics(y, labels.astype(np.intp), names), **metrics}
        known = (y < len(model.classes)) & np.isfinite(margins).all(axis=1)
        calibration = calibrate(margins[known], y[known], len(model.classes)) or calibration
        columns = columns_matrix(model.encoder, features)
        mean, scale = columns.mean(axis=0), np.where((found := columns.std(axis=0)) > 0, found, 1.0)
    seen = np.arange(len(model.classes), dtype=np.intp)
    folds = (FoldModel(seen, model.weights, model.bias),) * FOLDS
    return Fitted(model.classes, model.weights, model.bias, mean, scale, calibration, metrics, folds, model.encoder)


def _labelled(model: Model, examples: TrainingSet) -> tuple[list[int], Floats]:
    """The places of the labelled examples that the model can score, and their rows."""
    places = np.flatnonzero(examples.real).tolist()
    return scorable(places, lambda i: examples.features[i], len(model.schema), model.encoder)


def import_trial(trial: Trial, *, knows_labels: bool) -> Trial:
    """The trial of an imported model, from that of a training at the same moment: it has no training set.

    knows_labels: it was trained on labels of the namespace. Then none of those that there are judges it, now or later.
    """
    nothing = replace(training_set(trial.examples.schema, []), set_aside=trial.examples.set_aside)
    bare = replace(trial, examples=nothing, knowledge=Knowledge())
    if not knows_labels:
        return bare
    return replace(bare, evidence=(), reviewed=(), knowledge=trial.knowledge)


def judge_without_champion(fitted: Fitted) -> Verdict:
    """The verdict on an imported model where no champion answers: as on the first model of all.

    It has to beat the most frequent class on the labelled records. Without any it answers: nothing else would.
    """
    metrics = fitted.metrics
    if "accuracy" not in metrics:
        return Verdict("promoted", "first", "there is no champion, and no labelled record that could judge it", {})
    facts = {name: metrics[name] for name in ("accuracy", "majority", "majority_class")}
    why = (
        f"on the {metrics['examples']:,} labelled records it is right in {facts['accuracy']:.1%};"
        f" answering {facts['majority_class']!r} every time is right in {facts['majority']:.1%}"
    )
    outcome = "promoted" if facts["accuracy"] > facts["majority"] else "rejected"
    return Verdict(outcome, "first", why, facts)  # type: ignore[arg-type]


def same_numbers(model: Model, other: Model) -> bool:
    """Whether two models answer by the same numbers: an exported champion that is imported again changes nothing."""
    return import_digest(replace(model, mean=other.mean, scale=other.scale)) == import_digest(other)
