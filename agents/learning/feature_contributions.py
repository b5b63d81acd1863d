"""Explains a prediction: what each feature adds to the margin, compared with a record of average features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from relearn.agents.learning.encode import columns_matrix, feature_sums
from relearn.agents.learning.encode_text import word_shares
from relearn.schemas.features import Strings, row_of
from relearn.schemas.model.encoder import TextPart, columns_of
from relearn.schemas.model.linear_svm import Floats, Model

#: Maximum number of words of a text that are named, those that add or take most.
WORDS_MAX = 50


class Explanation(NamedTuple):
    """Each feature's wᵢ(xᵢ - meanᵢ), (d,) float64 in the order of the schema, and the base w·mean + b: the margin.

    words: of each text, by the position of the feature, what its words and pairs of words add: wᵢxᵢ, the largest first.
    """

    each: Floats
    base: float
    words: Mapping[int, Sequence[tuple[str, float]]]


def contributions(
    model: Model, numbers: Sequence[float] | Floats, strings: Strings | None, label: str
) -> Explanation | None:
    """What each feature of a stored record adds to the margin.

    What a category adds is compared with its levels' shares of the training set, a text with the average text.

    Two classes: a value above 0 favours `classes[1]`. More: the row of `label` is used, and a value above 0 favours it.

    Returns:
        None where record and model don't match: another d, or a class that the model doesn't know.
    """
    schema = model.schema
    counts = (len(numbers), len(strings or ()))
    if counts != (len(schema.numbers), len(schema.strings)) or label not in model.classes:
        return None
    features = np.asarray(row_of(numbers, strings), dtype=np.float64)
    texts = {features[counts[0] + j]: (strings or ())[j] or "" for j in schema.texts}
    cells = columns_matrix(model.encoder, features[None], texts)
    cells = cells.toarray()[0] if schema.texts else cells[0]
    row = 0 if len(model.classes) == 2 else model.classes.index(label)
    weights = model.weights[row]
    with np.errstate(over="ignore", invalid="ignore"):
        pushes = feature_sums(model.encoder, weights * (cells - model.mean))
        base = float(weights @ model.mean + model.bias[row])
    in_order = np.empty_like(pushes)
    in_order[[*schema.numbers, *schema.strings]] = pushes
    words = {schema.strings[j]: _words(model, j, (strings or ())[j], weights) for j in schema.texts}
    return Explanation(in_order, base, words)


def _words(model: Model, j: int, text: str | None, weights: Floats) -> list[tuple[str, float]]:
    assert model.encoder is not None
    parts = model.encoder.strings
    part = parts[j]
    if text is None or not isinstance(part, TextPart):
        return []
    first = len(weights) - sum(map(columns_of, parts[j:]))
    pushes = [(word, float(weights[first + at] * value)) for word, (at, value) in word_shares(part, text).items()]
    return sorted(pushes, key=lambda pair: (-abs(pair[1]), pair[0]))[:WORDS_MAX]
