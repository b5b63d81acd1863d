"""Accuracy on labelled records."""

from __future__ import annotations

import numpy as np

from relearn.agents.learning.predict import predict
from relearn.schemas.model.linear_svm import Model
from relearn.scripts.data.datasets import Dataset


def accuracy(model: Model, records: Dataset) -> float:
    """The share of labelled records that the model answers right."""
    answers = np.array(model.classes)[predict(model, records.features, records.string_of)[0]]
    return float(np.mean(answers == np.array(records.labels)))
