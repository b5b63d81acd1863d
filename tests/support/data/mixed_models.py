"""Random models of numbers and categories, with records for them: a strategy, and the tolerance of their margins."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

from relearn.agents.learning.encode import columns_matrix
from relearn.agents.learning.predict import predict
from relearn.agents.learning.replay import TOLERANCE
from relearn.schemas.features import Value
from relearn.schemas.model.encoder import CategoryPart, Encoder, NumberPart, Part
from relearn.schemas.model.linear_svm import Floats, Model
from tests.support.data.mixed import row

#: Levels that an exporter could confuse with a word of its own, and some of two scripts.
LEVELS = ("", "<missing>", "other", "other_", "None", "nan", "red", "Red", "é", "e\N{COMBINING ACUTE ACCENT}", "赤")
NUMBERS = st.floats(-1e9, 1e9)


class Scored(NamedTuple):
    """A model and records in the order of its schema."""

    model: Model
    records: list[list[Value]]

    @property
    def rows(self) -> Floats:
        """(n, d): the rows of the records."""
        return np.array([row(one, self.model.schema) for one in self.records])

    @property
    def margins(self) -> Floats:
        """(n, 1) or (n, k): Relearn's."""
        return predict(self.model, self.rows)[1]

    def check(self, margins: Floats, labels: list[str]) -> None:
        """Margins are within the contract's tolerance of Relearn's, and labels follow from them by its rule."""
        model = self.model
        columns = columns_matrix(model.encoder, self.rows)
        size = np.abs(model.bias) + np.abs(columns) @ np.abs(model.weights).T
        assert margins.shape == self.margins.shape
        assert (np.abs(margins - self.margins) <= TOLERANCE * np.maximum(1.0, size)).all()
        places = (margins[:, 0] > 0).astype(int) if len(model.classes) == 2 else margins.argmax(axis=1)
        assert labels == [model.classes[place] for place in places]


@st.composite
def scored(draw: st.DrawFn) -> Scored:
    """Models of numbers alone too, of two classes and more, whose classes aren't in order."""
    classes = tuple(draw(st.permutations(("yes", "no", "ß", "10")))[: draw(st.integers(2, 4))])
    kinds = draw(st.lists(st.sampled_from("nc"), min_size=1, max_size=5))
    plain = "c" not in kinds and draw(st.booleans())
    encoder = None if plain else Encoder(tuple(draw(_numbers if kind == "n" else _categories) for kind in kinds))
    width = len(kinds) if encoder is None else encoder.width
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    weights = rng.normal(size=(1 if len(classes) == 2 else len(classes), width)) * 10.0 ** rng.integers(-3, 4, width)
    names = tuple(f"{kind} {i}" for i, kind in enumerate(kinds))
    bias = rng.normal(size=len(weights))
    model = Model(3, classes, names, weights, bias, np.zeros(width), np.ones(width), encoder=encoder)
    return Scored(model, draw(st.lists(st.tuples(*map(_value, _parts(model))).map(list), min_size=1, max_size=6)))


_numbers = st.builds(NumberPart, st.just(True), NUMBERS, st.booleans())
_categories = st.builds(CategoryPart, st.just(True), st.lists(st.sampled_from(LEVELS), unique=True).map(tuple))


def _parts(model: Model) -> tuple[Part | None, ...]:
    return model.encoder.parts if model.encoder is not None else (None,) * len(model.feature_names)


def _value(part: Part | None) -> st.SearchStrategy[Value]:
    if part is None:
        return NUMBERS
    return st.none() | (NUMBERS if isinstance(part, NumberPart) else st.sampled_from((*LEVELS, "new")))
