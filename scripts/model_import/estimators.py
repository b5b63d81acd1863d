"""The objects in a skops file as data: their attributes, checked. No method of theirs is called."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from relearn.schemas.errors import Refused
from relearn.schemas.model.linear_svm import Floats

_ABSENT = object()
#: The longest description of a pipeline.
_DESCRIPTION_MAX = 240


def kind_of(one: object) -> str:
    """The name of an estimator's class; for the allow-list has types of scikit-learn only, it stands for the type."""
    return type(one).__name__


def attribute(one: object, name: str, default: Any = _ABSENT) -> Any:
    """An attribute of the instance itself.

    Raises:
        Refused: it has none, so that it isn't fitted, or was written by another version.
    """
    value = vars(one).get(name, default) if hasattr(one, "__dict__") else default
    if value is _ABSENT:
        raise Refused(
            f"{kind_of(one)} has no {name}: it isn't fitted, or was written by another version of scikit-learn"
        )
    return value


def check_methods(one: object) -> None:
    """Return if no attribute of the instance hides a method of its class: then the file isn't what it looks like.

    Raises:
        Refused: an attribute does.
    """
    for name in vars(one):
        own = getattr(type(one), name, None) if isinstance(name, str) else None
        if callable(own) or isinstance(own, property):
            raise Refused(f"{kind_of(one)} in this file has a method of its own: {name[:60]!r}")


def numbers(one: object, name: str, shape: tuple[int, ...]) -> Floats:
    """An attribute as float64 of this shape, all finite.

    Raises:
        Refused: it is something else.
    """
    found = number_array(attribute(one, name), f"{kind_of(one)}.{name}")
    if found.shape != shape:
        raise Refused(f"{kind_of(one)}.{name} has the shape {found.shape}, should have {shape}")
    if not np.isfinite(found).all():
        raise Refused(f"{kind_of(one)}.{name} has a value that isn't finite")
    return found


def number_array(value: object, name: str) -> Floats:
    """A value as an array of float64.

    Raises:
        Refused: it is no array of numbers.
    """
    if type(value) is not np.ndarray or value.dtype.kind not in "fiu":
        raise Refused(f"{name} should be an array of numbers, is {type(value).__name__}")
    return np.asarray(value, dtype=np.float64)


def places(value: object, name: str, below: int) -> list[int]:
    """An array of whole numbers from 0 as a list, all of them different and less than `below`.

    Raises:
        Refused: it is something else.
    """
    if type(value) is not np.ndarray or value.dtype.kind not in "iu" or value.ndim != 1:
        raise Refused(f"{name} should be an array of whole numbers")
    found: list[int] = value.tolist()
    if len(set(found)) != len(found) or any(not 0 <= place < below for place in found):
        raise Refused(f"{name} has places that aren't there")
    return found


def width_of(one: object) -> int:
    """The number of columns that an estimator was fitted on.

    Raises:
        Refused: it isn't told.
    """
    width = attribute(one, "n_features_in_")
    if type(width) is not int or width < 1:
        raise Refused(f"{kind_of(one)}.n_features_in_ is {str(width)[:40]}")
    return width


def names_of(one: object) -> list[str] | None:
    """The names of the columns that an estimator was fitted on; None: they had none.

    Raises:
        Refused: they can't be names.
    """
    found = attribute(one, "feature_names_in_", None)
    if found is None:
        return None
    names = found.tolist() if type(found) is np.ndarray else None
    if not isinstance(names, list) or not all(type(name) is str for name in names) or len(set(names)) != len(names):
        raise Refused(f"{kind_of(one)}.feature_names_in_ should be texts, each once")
    return names


def is_nan(value: object) -> bool:
    """Whether a value is a float's NaN."""
    return isinstance(value, float) and math.isnan(value)


def objects(value: object, name: str) -> list[Any]:
    """A one-dimensional array's or a list's items as Python's own.

    Raises:
        Refused: it is something else.
    """
    if isinstance(value, list | tuple):
        return list(value)
    if type(value) is not np.ndarray or value.ndim != 1:
        raise Refused(f"{name} should be a list")
    array: NDArray[Any] = value
    return [one.item() if isinstance(one, np.generic) else one for one in array.tolist()]


def pairs(value: object, name: str, size: int) -> list[tuple[Any, ...]]:
    """A list of tuples of this size, whose first item is a name.

    Raises:
        Refused: it is something else.
    """
    if not isinstance(value, list | tuple):
        raise Refused(f"{name} should be a list of steps")
    found = [tuple(one) if isinstance(one, list | tuple) else () for one in value]
    if not all(len(one) == size and isinstance(one[0], str) for one in found):
        raise Refused(f"{name} should be a list of steps")
    return found


def description(one: object) -> str:
    """A pipeline in a line: Pipeline(StandardScaler, LinearSVC)."""
    text = _described(one, 0)
    return text if len(text) <= _DESCRIPTION_MAX else f"{text[: _DESCRIPTION_MAX - 1]}…"


def _described(one: object, depth: int) -> str:
    if isinstance(one, str):
        return one[:20]
    kind = kind_of(one)
    steps = {"Pipeline": "steps", "ColumnTransformer": "transformers_"}.get(kind)
    if steps is None or depth > 3:
        return kind
    inner = [step[1] for step in vars(one).get(steps, ()) if isinstance(step, list | tuple) and len(step) > 1]
    return f"{kind}({', '.join(_described(step, depth + 1) for step in inner[:12])})"
