"""What a training starts from, as read from Postgres at one moment: examples, statements and the champion."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field

from relearn.agents.learning.fitted_model import FoldModels
from relearn.agents.learning.reviews import Statement
from relearn.agents.learning.training_set import Example
from relearn.schemas.features import FeatureSchema
from relearn.schemas.model.linear_svm import Model
from relearn.schemas.schema_versions import Projection


@dataclass(frozen=True, slots=True)
class KnownReviews(Container[int]):
    """The ids of the reviews that a training knew, used or not: those `used`, and all up to `cut` that don't wait."""

    used: frozenset[int]
    cut: int = 0
    waiting: frozenset[int] = frozenset()

    def __contains__(self, one: object) -> bool:
        return one in self.used or (isinstance(one, int) and one <= self.cut and one not in self.waiting)


@dataclass(frozen=True, slots=True)
class Champion:
    """The model that answers now. `cut`: the newest statement known to its training. `keys`: what it was trained on.

    `example_ids`, `correction_ids`: the loaded examples and the reviews that its training knew, used or not. `folds`:
    without models where the model was trained before they were stored. `digest`: of its training set. `scored`:
    projects a row of the snapshot onto what the model scores; None: it is that.
    """

    model: Model
    cut: int
    example_ids: frozenset[int]
    correction_ids: Container[int]
    keys: frozenset[str]
    folds: FoldModels
    digest: bytes | None = None
    scored: Projection | None = None


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What a training knew. `cut`: the newest statement; `example_cut`: the newest loaded example; 0: none.

    `waiting`: the reviews up to `cut` that wait for later jobs. `available`: labelled examples, one per key, of which
    at most `limit` are used.
    """

    cut: int = 0
    example_cut: int = 0
    waiting: tuple[int, ...] = ()
    available: int | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Unreviewed:
    """The champion's latest records without a statement, as assumed examples; `complete`: all of them are here.

    `string_of`: the string of each code in them.
    """

    examples: Sequence[Example]
    complete: bool
    string_of: Mapping[float, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is known at one moment. `bootstrap`: each with its number of arrival, as statements have.

    `unreviewed`: None where not read: see `trial.assumes`. `newest`: of the model trained last the version, the state
    and the digest of its training set; `newest_ids`: of the reviews that its training knew.
    """

    schema: FeatureSchema
    bootstrap: Sequence[tuple[float, Example]]
    statements: Sequence[Statement]
    cut: int
    champion: Champion | None
    unreviewed: Unreviewed | None
    newest: tuple[int, str, bytes] | None
    newest_ids: Container[int] = frozenset()
    #: The labels of withdrawn examples.
    withdrawn: frozenset[str] = frozenset()
    #: The scopes of senders whose new reviews aren't limited.
    trusted: frozenset[str] = frozenset()
    #: The string of each code in the examples and statements.
    string_of: Mapping[float, str] = field(default_factory=dict)
    #: The version that `schema` is; all rows are of it.
    number: int = 1
