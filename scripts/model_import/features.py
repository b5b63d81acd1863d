"""The features that a file takes: their names, their kinds by their use, and how they match the namespace's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from relearn.schemas.errors import Refused
from relearn.schemas.features import Feature, FeatureSchema, Kind
from relearn.schemas.text import first_few, text_fault
from relearn.scripts.model_import.columns import Column, Hot, Number, Text
from relearn.scripts.model_import.estimators import attribute, kind_of, names_of, pairs, width_of

#: Maximum number of features.
FEATURES_MAX = 10_000
_DEEPEST = 8


def first_step(content: object) -> Any:
    """The first estimator that gets a record's features.

    Raises:
        Refused: there is none.
    """
    for _ in range(_DEEPEST):
        if kind_of(content) != "Pipeline":
            return content
        steps = [step for _, step in pairs(attribute(content, "steps"), "Pipeline.steps", 2)]
        content = next((step for step in steps if step is not None and not isinstance(step, str)), None)
        if content is None:
            break
    raise Refused("a pipeline begins with an empty one")


def feature_names(content: object, first: Any) -> list[str] | None:
    """The names that the first step was fitted with, or those in a file that Relearn exported; None: there are none."""
    names = names_of(first)
    ours = vars(content).get("relearn_") if hasattr(content, "__dict__") else None
    if names is None and isinstance(ours, dict) and isinstance(ours.get("features"), list):
        found = [one.get("name") if isinstance(one, dict) else None for one in ours["features"]]
        names = [one for one in found if isinstance(one, str)]
    return names


def feature_width(first: Any) -> int:
    """The number of features that the file takes.

    Raises:
        Refused: there are too many.
    """
    width = width_of(first)
    if width > FEATURES_MAX:
        raise Refused(f"it takes {width:,} features; {FEATURES_MAX:,} are possible")
    return width


@dataclass(frozen=True)
class GivenFeatures:
    """The features of a file, by place. `names`: if it has them. `columns`: those that its classifier gets."""

    names: list[str] | None
    width: int
    columns: Sequence[Column]
    _by_feature: dict[int, list[tuple[int, Column]]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check that there is a name per feature."""
        found: dict[int, list[tuple[int, Column]]] = {}
        for place, column in enumerate(self.columns):
            found.setdefault(column.feature, []).append((place, column))
        object.__setattr__(self, "_by_feature", found)
        if self.names is not None and len(self.names) != self.width:
            raise Refused(f"it has {len(self.names)} feature names for {self.width} features")

    def of(self, feature: int) -> list[tuple[int, Column]]:
        """The columns that are made of a feature, with their places."""
        return self._by_feature.get(feature, [])

    def name(self, feature: int) -> str:
        """A feature's name for people."""
        return repr(self.names[feature][:60]) if self.names is not None else f"number {feature + 1}"

    def kind(self, feature: int) -> Kind | None:
        """A feature's kind by its use; None: it isn't used, or only whether it is missing."""
        kinds: set[Kind] = set()
        for _, column in self.of(feature):
            if isinstance(column, Text):
                raise Refused(
                    f"the feature {self.name(feature)} reaches the classifier as text; it needs OneHotEncoder"
                )
            if isinstance(column, Number):
                kinds.add("number")
            elif isinstance(column, Hot):
                kinds.add("category")
        if len(kinds) > 1:
            raise Refused(f"the feature {self.name(feature)} is used as a number and as a category")
        return next(iter(kinds), None)

    def may_miss(self, feature: int) -> bool:
        """Whether the pipeline takes a record in which this number is missing."""
        return all(not isinstance(one, Number) or one.imputed is not None for _, one in self.of(feature))

    def own_schema(self) -> FeatureSchema:
        """The schema of the features that the file uses, for a namespace without any."""
        if self.names is None:
            raise Refused(
                "the namespace has no features yet, and the file has no feature names: fit it on a data frame, or train"
                " a first model from data with names (`relearn model train`)"
            )
        used = [place for place in range(self.width) if self.of(place)]
        features = []
        for place in used:
            kind, name = self.kind(place) or "number", self.names[place]
            if not name or text_fault(name):
                raise Refused(f"{name[:60]!r} can't name a feature: it {text_fault(name) or 'is empty'}")
            features.append(Feature(name, kind, kind == "category" or self.may_miss(place)))
        if not features:
            raise Refused("the file uses no feature")
        return FeatureSchema(tuple(features))


def matched(given: GivenFeatures, schema: FeatureSchema) -> list[int]:
    """The file's feature for each one of the schema: by name, without names by place.

    Raises:
        Refused: they are other features.
    """
    if given.names is None:
        if given.width != len(schema):
            raise Refused(
                f"the file takes {given.width} features without names, the namespace has {len(schema)}"
                f" ({first_few(schema.names)})"
            )
        return list(range(given.width))
    unknown = [name for i, name in enumerate(given.names) if name not in schema.known and given.of(i)]
    missing = [name for name in schema.names if name not in given.names]
    if unknown or missing:
        parts = []
        if unknown:
            parts.append(f"the file has {first_few(unknown, show=repr)}, which the namespace hasn't")
        if missing:
            parts.append(f"the namespace has {first_few(missing, show=repr)}, which the file hasn't")
        raise Refused(f"other features: {'; '.join(parts)}")
    return [given.names.index(name) for name in schema.names]
