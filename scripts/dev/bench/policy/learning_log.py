"""What was known, and what answered, at each label of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from relearn.agents.learning.policy import Decision, Facts, Limits, corrections_needed
from relearn.scripts.dev.bench.policy.memory import MemoryStore


class AtLabel(NamedTuple):
    """The moment of one label: the champion's version, and the number of records until then."""

    champion: int
    record: int


@dataclass(slots=True)
class LearningLog:
    """`unlearned`: the largest number of labels that no training knew; `of_needed`: corrections as a multiple of N, or
    labels as a multiple of the number that is a trigger by itself, whichever is more.

    `blocked`: the largest number of labels in a row that came while no training could have begun. `labels`: every one.
    """

    limits: Limits
    labels: list[AtLabel] = field(default_factory=list)
    unlearned: int = 0
    of_needed: float = 0.0
    blocked: int = 0
    _needed: int = field(init=False)
    _blocked_from: int | None = None

    def __post_init__(self) -> None:
        self._needed = self.limits.corrections

    def add(self, memory: MemoryStore) -> None:
        """Note the label that `memory` was given last."""
        self.labels.append(AtLabel(memory.champion.model.version, len(memory.answered)))
        self.unlearned = max(self.unlearned, memory.unlearned)
        corrections = sum(one.corrects for one in memory.statements[memory.cut - memory.unlearned :])
        self.of_needed = max(self.of_needed, corrections / self._needed, memory.unlearned / self.limits.labels)

    def decided(self, facts: Facts, decision: Decision) -> None:
        """Note a decision of the policy, and so whether a training can begin."""
        self._needed = corrections_needed(facts, self.limits)
        if not decision.obstacles:
            self._blocked_from = None
            return
        self._blocked_from = facts.cut if self._blocked_from is None else self._blocked_from
        self.blocked = max(self.blocked, facts.cut - self._blocked_from)
