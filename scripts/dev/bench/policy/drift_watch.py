"""Watching for drift: a champion's first live records, and windows of later ones against them."""

from __future__ import annotations

import numpy as np

from relearn.agents.learning.drift import REFERENCE, WINDOW, Reference, compare, drifted, reference, update_streak
from relearn.agents.learning.drift_columns import drift_columns, frequent_levels
from relearn.schemas.features import StringOf
from relearn.schemas.model.linear_svm import Floats, Model


class DriftWatch:
    """What is known of drift under one activation after another, and how often it was right.

    `windows`: of records without any drift since the reference's first; `alarms`: how many of these had the alarm on.
    `drift_windows`, `drift_alarms`: the same of windows that came wholly after a drift.
    """

    def __init__(self, drift_at: int | None) -> None:
        self._drift_at = drift_at
        self._activation = 0
        self.windows = self.alarms = self.drift_windows = self.drift_alarms = 0
        self._begin(0)

    def _begin(self, at: int) -> None:
        self._from = self._taken_from = at
        self._reference: Reference | None = None
        self._streak: dict[str, int] = {}
        self._parts: list[Floats] = []
        self._held = 0

    def take(
        self, activation: int, model: Model, features: Floats, margins: Floats, *, at: int, string_of: StringOf
    ) -> tuple[str, ...] | None:
        """Records from number `at` on, answered under `activation`: what has drifted now, None where there is no news.

        features: (n, d), rows. margins: (n, 1) or (n, k), of which the largest counts. `model`: the champion.
        """
        if activation != self._activation:
            self._activation = activation
            self._begin(at)
        self._parts.append(np.column_stack([features, margins.max(axis=1)]))
        self._held += len(features)
        if self._held < (REFERENCE if self._reference is None else WINDOW):
            return None
        rows = np.concatenate(self._parts)
        self._parts, self._held = [], 0
        if self._reference is None:
            levels = frequent_levels(model, rows[:, :-1], string_of)
            columns = drift_columns(model, rows[:, :-1], levels, string_of)
            self._reference = reference(model.schema.row_names, columns, rows[:, -1], model.schema.gaps, levels)
            self._taken_from = at + len(features)
            return None
        columns = drift_columns(model, rows[:, :-1], self._reference.levels, string_of)
        self._streak = update_streak(self._streak, compare(self._reference, columns, rows[:, -1]))
        found = drifted(self._streak)
        self._count(at + len(features), alarm=bool(found))
        return found

    def _count(self, end: int, *, alarm: bool) -> None:
        begin, self._taken_from = self._taken_from, end
        if self._drift_at is None or not self._from < self._drift_at < end:
            self.windows += 1
            self.alarms += alarm
        elif begin >= self._drift_at:
            self.drift_windows += 1
            self.drift_alarms += alarm
