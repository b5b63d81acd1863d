"""Replay: stored predictions scored again. Counts changed labels, right labels and margins that differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relearn.agents.learning.encode import columns_matrix
from relearn.agents.learning.predict import predict
from relearn.schemas.features import NO_STRINGS, StringOf
from relearn.schemas.identity import Place
from relearn.schemas.model.linear_svm import Floats, Model

#: Relative to max(1, |b| + Σ|xᵢwᵢ|): the maximum difference between two orders of adding up the same products.
TOLERANCE = 1e-9

Label = str | None
"""None: no prediction, since a margin is larger than any float64."""


@dataclass(frozen=True, slots=True)
class Stored:
    """n stored predictions. features: (n, d) float64, rows; `models` (n,), the version that made each.

    string_of: the string of each code in the rows.
    margins: (m, 1 or k) float64, only of the m predictions made by the version that is replayed, in the same order.
    compared: (n, d) rows as the model that it is compared with scores them; None: `features`.
    """

    places: Sequence[Place]
    features: Floats
    labels: Sequence[str]
    models: NDArray[np.int64]
    margins: Floats
    string_of: StringOf = field(default_factory=dict)
    compared: Floats | None = None


@dataclass(frozen=True, slots=True)
class Replayed:
    """Counts over predictions; two of them add up.

    `changes`: counts of pairs (label before, label by the model) that differ; before: as stored, or by the model it is
    compared with. `right`: per source of labels (`model`, `stored`, `compare`) the number of `reviewed` predictions
    with the right label. `own`: predictions made by the model itself, `off` of them with different margins now.
    """

    rows: int = 0
    changes: Counter[tuple[Label, Label]] = field(default_factory=Counter)
    reviewed: int = 0
    right: Mapping[str, int] = field(default_factory=dict)
    own: int = 0
    off: int = 0

    def __add__(self, other: Replayed) -> Replayed:
        return Replayed(
            self.rows + other.rows,
            self.changes + other.changes,
            self.reviewed + other.reviewed,
            {name: self.right.get(name, 0) + other.right.get(name, 0) for name in {**self.right, **other.right}},
            self.own + other.own,
            self.off + other.off,
        )

    @property
    def changed(self) -> int:
        """The number of labels that differ."""
        return self.changes.total()


def replay(stored: Stored, truths: Mapping[Place, str], model: Model, compare: Model | None = None) -> Replayed:
    """Score `stored` again with `model` and count. `truths`: the label of each reviewed prediction's review."""
    labels, margins = predict(model, stored.features, stored.string_of)
    answers: dict[str, Sequence[Label]] = {"model": label_texts(model, labels, margins), "stored": stored.labels}
    if compare is not None:
        rows = stored.features if stored.compared is None else stored.compared
        answers["compare"] = label_texts(compare, *predict(compare, rows, stored.string_of))
    before = answers["stored" if compare is None else "compare"]
    reviewed = [(i, truths[place]) for i, place in enumerate(stored.places) if place in truths]
    own = stored.models == model.version
    return Replayed(
        rows=len(stored.places),
        changes=Counter(pair for pair in zip(before, answers["model"], strict=True) if pair[0] != pair[1]),
        reviewed=len(reviewed),
        right={source: sum(given[i] == truth for i, truth in reviewed) for source, given in answers.items()},
        own=int(own.sum()),
        off=int((~reproduced(model, stored.features[own], stored.margins, margins[own], stored.string_of)).sum()),
    )


def label_texts(model: Model, labels: NDArray[np.int16], margins: Floats) -> list[Label]:
    """(n,) labels as texts; None where a margin isn't finite."""
    answered = np.asarray(np.isfinite(margins).all(axis=1)).tolist()
    return [model.classes[i] if one else None for i, one in zip(labels.tolist(), answered, strict=True)]


def reproduced(
    model: Model, features: Floats, before: Floats, now: Floats, string_of: StringOf = NO_STRINGS
) -> NDArray[np.bool_]:
    """(n,) whether margins `before` and `now`, both (n, 1 or k), agree within the contract's tolerance."""
    if before.shape != now.shape:
        return np.zeros(len(now), dtype=np.bool_)
    with np.errstate(over="ignore", invalid="ignore"):
        columns = abs(columns_matrix(model.encoder, features, string_of))
        size = np.abs(model.bias) + columns @ np.abs(model.weights).T
        close: NDArray[np.bool_] = (np.abs(before - now) <= TOLERANCE * np.maximum(1.0, size)).all(axis=1)
    return close


def replayed_fields(found: Replayed, most: int = 10) -> dict[str, Any]:
    """The counts as JSON, the `most` frequent changes first."""
    ranked = sorted(found.changes.items(), key=lambda item: (-item[1], str(item[0])))
    return {
        "rows": found.rows,
        "changed": found.changed,
        "changes": [{"from": old, "to": new, "records": count} for (old, new), count in ranked[:most]],
        "reviewed": found.reviewed,
        "right": dict(found.right),
        "accuracy": {source: _share(count, found.reviewed) for source, count in found.right.items()},
        "margins": {"compared": found.own, "off": found.off},
    }


def _share(count: int, of: int) -> float | None:
    return count / of if of else None
