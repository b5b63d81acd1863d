"""A reviewer who knows the truth, and errs now and then: from a look at the stream's end to statements. No I/O."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from relearn.agents.learning.review_choice import Candidate, audit_share, choose
from relearn.agents.stores.predictions.review_candidates import StreamEnd
from relearn.schemas.identity import Place
from relearn.schemas.messages.feedback import Feedback, Via
from relearn.scripts.data.ground_truth import Oracle


@dataclass(slots=True)
class Reviewer:
    """Says of each prediction at most one thing, also before that is stored. The same seed and looks give the same.

    `error`: how likely another label than the right one is. `only_errors`: silent where the prediction seems right.
    `handled`: what was seen, with its key where something was said of it.
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
    """Records that the oracle doesn't know."""

    def answers(self, look: StreamEnd) -> Iterator[tuple[Feedback, bool]]:
        """Statements on what there is to see, one at a time, and whether each corrects the prediction.

        One per key in a look, and first of all those keys of which nobody has spoken lately.
        """
        self._forget(look)
        left = [one for one in look.candidates if one.place not in self.handled]
        taken = {*look.said, *(key for key in self.handled.values() if key is not None)}
        share = 1.0 if self.only_errors else audit_share(self.audit_share, look.drifted)
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
        """What this reviewer says; None: nothing."""
        truth = self.oracle.truth(candidate.key, candidate.features)
        if truth is None:
            self.unknown += 1
            return None
        if self.rng.random() < self.error:
            others = [label for label in self.oracle.classes if label != truth]
            truth = others[int(self.rng.integers(len(others)))]
        return None if self.only_errors and truth == candidate.label else truth

    def _feedback(self, candidate: Candidate, label: str, via: Via) -> Feedback:
        """With an id that is the same for the same reviewer and prediction, so that another run changes nothing."""
        place = candidate.place
        name = f"relearn:{self.namespace}:review:{self.name}:{place}"
        told: Via = "volunteer" if self.only_errors else via
        return Feedback(str(uuid.uuid5(uuid.NAMESPACE_URL, name)), label, place, None, self.name, told)

    def _forget(self, look: StreamEnd) -> None:
        """Forget what no look will show again."""
        reached = look.reached
        gone = [at for at in self.handled if at.offset < reached.get((at.generation, at.partition), at.offset + 1)]
        for place in gone:
            del self.handled[place]
