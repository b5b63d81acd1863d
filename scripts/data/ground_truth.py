"""True labels from a labelled data set, for its records and for noisy copies of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from relearn.agents.learning.training_set import example_key
from relearn.schemas.errors import BadFile
from relearn.schemas.features import FeatureSchema
from relearn.schemas.model.linear_svm import Floats
from relearn.scripts.data.datasets import Dataset


@dataclass(frozen=True, slots=True)
class Oracle:
    """Labels by subject and by features (as `example_key` writes them). Of rows that are alike, the last counts."""

    name: str
    classes: tuple[str, ...]
    by_subject: dict[str, str]
    by_features: dict[str, str]

    def truth(self, key: str, features: Sequence[float]) -> str | None:
        """The label of the subject `key`, else of the row with the same features, else None.

        A noisy resample carries its source's subject, and so has its label.
        """
        known = self.by_subject.get(key)
        return known if known is not None else self.by_features.get(example_key(None, np.asarray(features)))


def oracle_of(dataset: Dataset, schema: FeatureSchema | None = None) -> Oracle:
    """The oracle of a labelled data set. `schema`: the namespace's, whose order the set's columns are put into.

    Raises:
        BadFile: there are no labels.
    """
    if dataset.labels is None:
        raise BadFile(dataset.name, "which column is the label? Name it with --label", line=1)
    keys = [example_key(None, row) for row in _in_order(dataset, schema)]
    return Oracle(
        dataset.name,
        tuple(sorted(set(dataset.labels))),
        dict(zip(dataset.subjects, dataset.labels, strict=True)),
        dict(zip(keys, dataset.labels, strict=True)),
    )


def _in_order(dataset: Dataset, schema: FeatureSchema | None) -> Floats:
    """The rows in the namespace's order where the names are the same; else as they stand."""
    if schema is None or schema.known != dataset.schema.known:
        return dataset.features
    return dataset.features[:, [dataset.schema.row_names.index(name) for name in schema.row_names]]
