"""A simulated reviewer: from candidates to statements, with the true labels and a share of errors. No I/O."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from relearn.agents.learning.review_choice import Candidate, choose, share_under_drift
from relearn.agents.stores.predictions.review_candidates import StreamEnd
from relearn.schemas.identity import Place
from relearn.schemas.messages.feedback import Feedback, Via
from relearn.scripts.data.ground_truth import Oracle


@dataclass(slots=True)
class Reviewer:
    """Reviews each prediction at most once. The same seed and candidates give the same statements.

    `error`: the probability of a wrong label. `only_errors`: review only predictions that seem wrong. `handled`: the
    predictions seen, with their keys if they were reviewed.
    """

    oracle: Oracle
    namespace: str
    name: str
    audit_share: float
    error: float
    only_errors: bool
    rng: np.random.Generator
    handled: dict[Place, str | None] = field(default_factory=dict)
    unknown: int = 0
    """Records without a label in the oracle."""

    def answers(self, look: StreamEnd) -> Iterator[tuple[Feedback, bool]]:
        """Yields statements on the candidates, each with whether it corrects the prediction.

        One per key in a call; keys without a recent review come first.
        """
        self._forget(look)
        left = [one for one in look.candidates if one.place not in self.handled]
        taken = {*look.said, *(key for key in self.handled.values() if key is not None)}
        share = 1.0 if self.only_errors else share_under_drift(self.audit_share, look.drifted)
        while (choice := choose(left, taken=taken, audit_share=share, rng=self.rng)) is not None:
            candidate = choice.candidate
            label = self._label(candidate)
            if label is None:
                self.handled[candidate.place] = None
                left.remove(candidate)
                continue
            self.handled[candidate.place] = candidate.key
            taken.add(candidate.key)
            left = [one for one in left if one.key != candidate.key]
            yield self._feedback(candidate, label, choice.via), label != candidate.label

    def _label(self, candidate: Candidate) -> str | None:
        """The label that this reviewer gives; None: no statement."""
        truth = self.oracle.truth(candidate.key, candidate.features)
        if truth is None:
            self.unknown += 1
            return None
        if self.rng.random() < self.error:
            others = [label for label in self.oracle.classes if label != truth]
            truth = others[int(self.rng.integers(len(others)))]
        return None if self.only_errors and truth == candidate.label else truth

    def _feedback(self, candidate: Candidate, label: str, via: Via) -> Feedback:
        """A statement whose id depends on reviewer and prediction only, so that another run changes nothing."""
        place = candidate.place
        name = f"relearn:{self.namespace}:review:{self.name}:{place}"
        stated: Via = "volunteer" if self.only_errors else via
        return Feedback(str(uuid.uuid5(uuid.NAMESPACE_URL, name)), label, place, None, self.name, stated)

    def _forget(self, look: StreamEnd) -> None:
        """Forget predictions that are no longer candidates."""
        reached = look.reached
        gone = [at for at in self.handled if at.offset < reached.get((at.generation, at.partition), at.offset + 1)]
        for place in gone:
            del self.handled[place]
