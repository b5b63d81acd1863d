"""Rows of what Postgres holds: models, jobs that ended, activations, the open shadow."""

from __future__ import annotations

from dataclasses import dataclass

from relearn.agents.learning.fitted_model import Fitted, FoldModels
from relearn.agents.learning.snapshot import Unreviewed
from relearn.agents.learning.trial import Trial
from relearn.schemas.model.linear_svm import Model


@dataclass(slots=True)
class Registered:
    """A model in the registry, made before record number `record`. `state`: as in `models`.

    `against`: the champion that it was judged by; None: it was the first.
    """

    model: Model
    against: Model | None
    record: int
    cut: int
    example_ids: frozenset[int]
    correction_ids: frozenset[int]
    keys: frozenset[str]
    labelled: frozenset[str]
    folds: FoldModels
    digest: bytes
    state: str


@dataclass(frozen=True, slots=True)
class Ended:
    """A job that ended. `by_itself`: a rollback by evidence."""

    state: str
    at_s: float
    by_itself: bool = False


@dataclass(frozen=True, slots=True)
class Training:
    """A training that is on: what it was started with, the model that it will come to, and the time of its end."""

    job: str
    trial: Trial
    unreviewed: Unreviewed | None
    fitted: Fitted
    takes_s: float
    ends_s: float

    @property
    def cut(self) -> int:
        """The newest statement that it knows."""
        return int(self.trial.facts["cut"])


@dataclass(frozen=True, slots=True)
class Activation:
    """A model made champion, before record number `record`. `rollback`: by evidence."""

    number: int
    version: int
    record: int
    rollback: bool


@dataclass(frozen=True, slots=True)
class Shadow:
    """An open job whose model answers beside the champion."""

    job: str
    version: int
    champion: int
    began_s: float
