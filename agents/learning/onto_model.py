"""Rows of one version of the features as rows of the version that a model was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from relearn.schemas.features import Strings, row_of, strings_by_code
from relearn.schemas.model.linear_svm import Model
from relearn.schemas.schema_versions import Projection, SchemaChain, project


def onto_model(chain: SchemaChain, source: int, model: Model, number: int) -> Projection | None:
    """Of rows of version `source` onto the rows that `model` scores; None: a version isn't of this chain.

    A feature that was added after `source` has its default. For one that was retired before `source`, and for a value
    that the model's records could not be without, stands what its training has put for a missing value: the encoder's,
    else the mean. It depends on the row and the model alone, so that every margin can be computed again.

    Args:
        number: the version that the model was trained on.
    """
    if source not in chain.by_number or number not in chain.by_number:
        return None
    given, wanted = chain.by_number[source].schema, chain.by_number[number]
    found = project(given, model.schema, wanted.defaults if source < number else {})
    if model.encoder is not None:
        return found
    absent = found.columns < 0
    fill = np.where(absent & np.isnan(found.fill), model.mean, found.fill)
    strict = ~absent & given.gaps[np.where(absent, 0, found.columns)]
    return replace(found, fill=fill, strict=strict, instead=model.mean)


def values_onto(
    projection: Projection | None, model: Model, numbers: Sequence[float], strings: Strings | None
) -> tuple[Sequence[float], Strings | None]:
    """The numbers and strings of one stored record, as the model scores them; none where it can't."""
    schema = model.schema
    row = () if projection is None else projection.row(row_of(numbers, strings))
    if projection is None or len(row) != len(schema):
        return (), None
    n, string_of = len(schema.numbers), {**strings_by_code([strings]), **projection.strings}
    cells = np.asarray(row, dtype=np.float64).tolist()
    return cells[:n], [string_of.get(code) for code in cells[n:]] if schema.strings else None
