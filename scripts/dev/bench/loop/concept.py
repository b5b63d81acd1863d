"""The clusters of the rounds: four clusters of records, and a concept that turns by a right angle every round.

A record lies on one side of each of two directions, and the label is the side of one of them. The concept turns
in their plane, so that of records spread evenly the champion has half wrong, and the one before it all of them: it
isn't brought back. Nothing but the labels changes: the records of any two rounds look alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from relearn.schemas.model.linear_svm import Floats
from relearn.scripts.dev.bench.workload import FEATURES

CLASSES = ("0", "1")
#: How far a cluster's centre lies from the origin in each direction, in standard deviations of the noise.
DISTANCE = 3.0
#: The class of records that lie off the plane, and how far: no concept changes it.
FAR = "far"
_FAR_DISTANCE = 12.0
_TURNS = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]])


@dataclass(frozen=True, slots=True)
class Clusters:
    """`plane`: (2, FEATURES), two directions at right angles, each of length one."""

    plane: Floats
    rng: np.random.Generator

    @classmethod
    def seeded(cls, seed: int) -> Clusters:
        """The same seed gives the same clusters."""
        rng = np.random.default_rng(seed)
        directions, _ = np.linalg.qr(rng.normal(size=(FEATURES, 2)))
        return cls(directions.T, rng)

    def records(self, n: int, turn: int) -> tuple[Floats, list[str]]:
        """n records, (n, FEATURES), spread evenly over the clusters, and their labels after `turn` turns."""
        return self._around(self.rng.choice([-1, 1], size=(n, 2)), turn)

    def turned(self, n: int, turn: int, *, wrong: int) -> tuple[Floats, list[str]]:
        """n records of which the concept one turn before has exactly `wrong` wrong, in any order."""
        now = self.rng.choice([-1, 1], size=n)
        before = np.where(self.rng.permutation(n) < wrong, -now, now)
        return self._around(np.outer(now, _TURNS[turn % 4]) + np.outer(before, _TURNS[(turn - 1) % 4]), turn)

    def far(self, n: int) -> Floats:
        """n records of the class FAR, (n, FEATURES), all in one direction at right angles to the plane."""
        off = np.eye(FEATURES)[0] - self.plane.T @ self.plane[:, 0]
        centre: Floats = _FAR_DISTANCE * off / np.linalg.norm(off)
        return centre + self.rng.normal(size=(n, FEATURES))

    def _around(self, sides: Floats, turn: int) -> tuple[Floats, list[str]]:
        features = DISTANCE * sides @ self.plane + self.rng.normal(size=(len(sides), FEATURES))
        return features, [CLASSES[int(side > 0)] for side in sides @ _TURNS[turn % 4]]
