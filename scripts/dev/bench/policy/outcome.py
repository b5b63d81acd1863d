"""What a run came to, and what runs of one kind come to together, against the bars that the policy must keep."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from relearn.scripts.data.accuracy import accuracy
from relearn.scripts.dev.bench.policy.drift_watch import DriftWatch
from relearn.scripts.dev.bench.policy.learning_log import LearningLog
from relearn.scripts.dev.bench.policy.memory import MemoryStore
from relearn.scripts.dev.bench.policy.regret import regret
from relearn.scripts.dev.bench.policy.rows import Activation, Registered
from relearn.scripts.dev.bench.policy.streams import Stream

#: A model is worse if its share of right answers is lower by more than this.
A_POINT = 0.01


@dataclass(frozen=True, slots=True)
class Step:
    """A change of champion, before record number `record`: to `version`, by the gate or by a rollback.

    `before` and `after`: the share that the champions before and after it have right, of records as they are then.
    """

    record: int
    version: int
    rollback: bool
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run. `start` and `end`: what the first and the last champion have right of records as the stream ends.

    `bad_challengers`: models more than a point below the champion that they were judged by, of records as they were
    then. `trainings`: without the first, and without the `skipped`.

    `unlearned`, `of_needed`, `blocked`: as in LearningLog. `regret` and `needed`: as in Regret.
    """

    stream: str
    kind: str
    seed: int
    labels: int
    trainings: int
    skipped: int
    shadows: int
    rejections: int
    bad_challengers: int
    unlearned: int
    of_needed: float
    blocked: int
    regret: float
    needed: int | None
    steps: tuple[Step, ...]
    start: float
    end: float
    windows: int
    alarms: int
    drift_windows: int
    drift_alarms: int

    @property
    def promotions(self) -> int:
        """Models that the gate, or a shadow's evidence, made champion."""
        return sum(not step.rollback for step in self.steps)

    @property
    def promoting(self) -> bool:
        """Whether there was any."""
        return self.promotions > 0

    @property
    def bad(self) -> int:
        """Promotions of a model more than a point below the one that it replaced."""
        return sum(not step.rollback and step.after < step.before - A_POINT for step in self.steps)

    @property
    def rollbacks(self) -> int:
        """Champions that evidence sent back."""
        return sum(step.rollback for step in self.steps)

    @property
    def false_rollbacks(self) -> int:
        """Those of them that were no worse."""
        return sum(step.rollback and step.before >= step.after for step in self.steps)

    @property
    def worse(self) -> bool:
        """Whether it serves a model more than a point below the one that it began with."""
        return self.end < self.start - A_POINT


def outcome(
    memory: MemoryStore, stream: Stream, kind: str, seed: int, *, drift: DriftWatch, log: LearningLog
) -> Outcome:
    """The outcome of a run that has ended."""
    missed = regret(memory, log, stream)
    trainings = [one.state for one in memory.jobs if not one.by_itself][1:]
    first, last = (memory.models[memory.activations[at].version].model for at in (0, -1))
    return Outcome(
        stream.name,
        kind,
        seed,
        labels=len(memory.statements),
        trainings=sum(state != "skipped" for state in trainings),
        skipped=trainings.count("skipped"),
        shadows=memory.shadows,
        rejections=trainings.count("rejected"),
        bad_challengers=sum(_is_bad(one, stream) for one in memory.models.values()),
        unlearned=log.unlearned,
        of_needed=log.of_needed,
        blocked=log.blocked,
        regret=missed.mean,
        needed=missed.needed,
        steps=tuple(_step(memory, stream, before, after) for before, after in pairwise(memory.activations)),
        start=accuracy(first, stream.held_back),
        end=accuracy(last, stream.held_back),
        windows=drift.windows,
        alarms=drift.alarms,
        drift_windows=drift.drift_windows,
        drift_alarms=drift.drift_alarms,
    )


def _step(memory: MemoryStore, stream: Stream, before: Activation, after: Activation) -> Step:
    held_back = stream.held_back_at(after.record)
    right = [accuracy(memory.models[one.version].model, held_back) for one in (before, after)]
    return Step(after.record, after.version, after.rollback, *right)


def _is_bad(one: Registered, stream: Stream) -> bool:
    held_back = stream.held_back_at(one.record)
    return one.against is not None and accuracy(one.model, held_back) < accuracy(one.against, held_back) - A_POINT
