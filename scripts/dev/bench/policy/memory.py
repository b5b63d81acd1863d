"""The servers' contents in memory: statements, examples, models, activations, jobs; and a clock.

What `agents.stores` (snapshot, policy_facts, jobs) reads from Postgres is read from here by the same rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from relearn.agents.learning.fitted_model import Fitted
from relearn.agents.learning.policy import Facts
from relearn.agents.learning.reviews import Statement, reviews
from relearn.agents.learning.snapshot import Champion, Snapshot, Unreviewed
from relearn.agents.learning.training_set import Example, Source, TrainingSet, set_digest
from relearn.schemas.features import FeatureSchema
from relearn.schemas.identity import Place
from relearn.schemas.messages.feedback import Via
from relearn.scripts.data.datasets import Dataset
from relearn.scripts.dev.bench.policy.reviewers import Answered
from relearn.scripts.dev.bench.policy.rows import Activation, Ended, Registered, Shadow, Training

_LABELLED: tuple[Source, Source] = ("bootstrap", "reviewed")


@dataclass(slots=True)
class MemoryStore:
    """All state. Nothing is ever removed from the lists, as in Postgres."""

    schema: FeatureSchema
    bootstrap: list[tuple[float, Example]]
    string_of: dict[float, str] = field(default_factory=dict)
    now_s: float = 0.0
    statements: list[Statement] = field(default_factory=list)
    answered: list[Answered] = field(default_factory=list)
    said: set[Place] = field(default_factory=set)
    said_of: set[str] = field(default_factory=set)
    models: dict[int, Registered] = field(default_factory=dict)
    activations: list[Activation] = field(default_factory=list)
    jobs: list[Ended] = field(default_factory=list)
    training: Training | None = None
    shadow: Shadow | None = None
    shadows: int = 0
    drifted: tuple[str, ...] = ()
    #: The newest statement that a training knew, or that there was at a rollback; and when that was.
    known: int = 0
    trained_s: float | None = None

    @property
    def champion(self) -> Registered:
        """The model that answers now."""
        return self.models[self.activations[-1].version]

    @property
    def cut(self) -> int:
        """The newest statement's id; 0 before any."""
        return len(self.statements)

    def state(self, said: Answered, via: Via) -> None:
        """Store one label."""
        number = self.cut + 1
        what = said.place, said.key, said.features, said.believed, said.predicted, said.model, said.activation
        self.statements.append(Statement(number, *what, "reviewer", via, (self.now_s, 0, number), self.now_s))
        self.said.add(said.place)
        self.said_of.add(said.key)

    def register(self, examples: TrainingSet, fitted: Fitted, cut: int, state: str) -> Registered:
        """Enter a model in the registry, as `register_model` does."""
        first, reviewed = (frozenset(map(int, examples.ids_of(source))) for source in _LABELLED)
        model = fitted.as_model(len(self.models) + 1, examples.schema.names)
        against = self.champion.model if self.activations else None
        labelled = frozenset(key for key, real in zip(examples.keys, examples.real, strict=True) if real)
        known = cut, first, reviewed, frozenset(examples.keys), labelled, fitted.fold_models, set_digest(examples)
        entry = Registered(model, against, len(self.answered), *known, state)
        self.models[model.version] = entry
        return entry

    def activate(self, version: int, *, leaves: str = "former", rollback: bool = False) -> None:
        """Make `version` the champion; the one until now is left in the state `leaves`."""
        if self.activations:
            self.champion.state = leaves
        self.models[version].state = "champion"
        self.activations.append(Activation(len(self.activations) + 1, version, len(self.answered), rollback))
        self.drifted = ()

    def begin_shadow(self, shadow: Shadow) -> None:
        """Let a model answer beside the champion."""
        self.shadow = shadow
        self.shadows += 1

    def trained(self, cut: int) -> None:
        """Note that a training, which knew the statements up to `cut`, is done; its model may be a shadow."""
        self.known, self.trained_s = cut, self.now_s

    def end_job(self, state: str, *, by_itself: bool = False) -> None:
        """Note that a job ended now."""
        self.jobs.append(Ended(state, self.now_s, by_itself))

    @property
    def unlearned(self) -> int:
        """The number of statements that neither a training that has ended nor the one that is on knows."""
        return self.cut - (self.known if self.training is None else self.training.cut)

    def former(self) -> Registered | None:
        """The model that a rollback returns to."""
        versions = (one.version for one in reversed(self.activations))
        return next((self.models[one] for one in versions if self.models[one].state == "former"), None)

    def snapshot(self) -> Snapshot:
        """What a training works from."""
        newest = self.models[max(self.models)] if self.models else None
        return Snapshot(
            self.schema,
            self.bootstrap,
            self.statements,
            self.cut,
            self._champion() if self.activations else None,
            self._unreviewed() if self.activations and self.statements else None,
            None if newest is None else (newest.model.version, newest.state, newest.digest),
            frozenset() if newest is None else newest.correction_ids,
            string_of=self.string_of,
        )

    def facts(self) -> Facts:
        """What the policy decides by."""
        found = reviews(self.statements[self.known :])
        corrections_s = sorted(one.stored_s for one in found if one.corrects)
        return Facts(
            champion=self.champion.model.version,
            activation=self.activations[-1].number,
            cut=self.cut,
            open_job=None if self.training is None else self.training.job,
            on_hold=None,
            resumed=0,
            last_ended_s=self.trained_s,
            rejections=_rejections(self.jobs),
            corrections_s=tuple(corrections_s),
            corrections=len(corrections_s),
            labels=len(found),
            latest_s=self.statements[-1].stored_s if self.cut > self.known else None,
            audit_rows=0,
            audit_corrected=0,
            drifted=self.drifted,
            rolled_back=self.activations[-1].rollback,
        )

    def _champion(self) -> Champion:
        found = self.champion
        return Champion(found.model, found.cut, found.example_ids, found.correction_ids, found.keys, found.folds)

    def _unreviewed(self) -> Unreviewed:
        version = self.champion.model.version
        left = [one for one in self.answered if one.model == version and one.place not in self.said]
        examples = [Example(str(one.place), one.key, one.features, one.predicted, "assumed") for one in left]
        return Unreviewed(examples, complete=True)


def new_memory(bootstrap: Dataset, string_of: dict[float, str]) -> MemoryStore:
    """A memory that knows the examples of `bootstrap`, and nothing else yet. string_of: that the records will have."""
    columns = bootstrap.subjects, bootstrap.features.tolist(), bootstrap.labels or ()
    examples = [(0.0, Example(i + 1, *row)) for i, row in enumerate(zip(*columns, strict=True))]
    return MemoryStore(bootstrap.schema, examples, {**string_of, **bootstrap.string_of})


def _rejections(jobs: Sequence[Ended]) -> int:
    """Trainings rejected since the last that was promoted."""
    trainings = [job.state for job in jobs if not job.by_itself]
    since = len(trainings) - trainings[::-1].index("promoted") if "promoted" in trainings else 0
    return trainings[since:].count("rejected")
