"""The loop: records come, the champion answers, a reviewer review, and what decides is looked at.

On a clock of its own: records, labels with them, and trainings take the time that `Pace` gives them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from relearn.agents.learning.policy import Limits, command_id, decide
from relearn.agents.learning.predict import score
from relearn.agents.learning.review_choice import certainty, share_under_drift
from relearn.agents.learning.reviews import UNBIASED
from relearn.agents.learning.training_set import example_key
from relearn.agents.stores.predictions.review_candidates import POOL
from relearn.schemas.identity import Place
from relearn.schemas.model.linear_svm import Floats
from relearn.schemas.settings import Settings
from relearn.scripts.data.datasets import Dataset
from relearn.scripts.dev.bench.policy.drift_watch import DriftWatch
from relearn.scripts.dev.bench.policy.jobs import begin_training, end_training, judge_champion, judge_shadow
from relearn.scripts.dev.bench.policy.learning_log import LearningLog
from relearn.scripts.dev.bench.policy.memory import new_memory
from relearn.scripts.dev.bench.policy.outcome import Outcome, outcome
from relearn.scripts.dev.bench.policy.pace import DEFAULT_PACE, Pace
from relearn.scripts.dev.bench.policy.reviewers import KINDS, Answered, ReviewView
from relearn.scripts.dev.bench.policy.streams import Stream, draw_stream

#: Records at a time: of those that are reviewed, and of those that aren't.
CHUNK = 5
QUIET_CHUNK = 50


def run(
    stream: str, kind: str, seed: int, settings: Settings, pace: Pace = DEFAULT_PACE, *, shorter: int = 1
) -> Outcome:
    """One run from its first rows to the end of its stream; the same arguments give the same outcome."""
    drawn = draw_stream(stream, seed, shorter=shorter)
    loop = Loop(drawn, kind, np.random.default_rng([seed, *stream.encode(), 0, *kind.encode()]), settings, pace)
    loop.play()
    return outcome(loop.memory, drawn, kind, seed, drift=loop.drift, log=loop.log)


class Loop:
    """One stream, one reviewer, and the memory between them."""

    def __init__(
        self, stream: Stream, kind: str, rng: np.random.Generator, settings: Settings, pace: Pace = DEFAULT_PACE
    ) -> None:
        self._stream = stream
        self._kind = KINDS[kind]
        self._rng = rng
        self._settings = settings
        self._pace = pace
        self._limits = Limits.of(self._settings)
        self._asked: set[str] = set()
        self._unreviewed: list[Answered] = []
        self.memory = new_memory(stream.bootstrap, stream.records.string_of)
        self.drift = DriftWatch(stream.drift_at)
        self.log = LearningLog(self._limits)
        begin_training(self.memory, self._settings, "first", takes_s=0.0)
        end_training(self.memory, self._settings)
        if not self.memory.activations:
            # The first model is activated by hand.
            self.memory.activate(1)

    def play(self) -> None:
        """From the first record to the last."""
        at, records = 0, self._stream.records
        while at < len(records):
            reviewed = at < self._stream.reviewed
            end = min(at + (CHUNK if reviewed else QUIET_CHUNK), self._stream.reviewed if reviewed else len(records))
            self.memory.now_s = end / self._pace.records_per_s
            answered = self._answer(records.take(slice(at, end)), at)
            if reviewed:
                self._review(answered)
            judge_shadow(self.memory, self._settings)
            self._ask_policy(until_s=(end + CHUNK) / self._pace.records_per_s)
            at = end

    def _answer(self, records: Dataset, at: int) -> list[Answered]:
        """Champion, and shadow where there is one, answer some records."""
        memory, truth = self.memory, records.labels or ()
        model, activation = memory.champion.model, memory.activations[-1].number
        scores = score(model, records.features, memory.string_of)
        believed = self._kind.believed(truth, sorted(set(self._stream.bootstrap.labels or ())), self._rng)
        shadows = self._shadow_answers(records.features)
        for i, (features, subject) in enumerate(zip(records.features, records.subjects, strict=True)):
            key, predicted = example_key(subject, features), model.classes[scores.labels[i]]
            confidence = None if np.isnan(scores.confidence[i]) else float(scores.confidence[i])
            sure = certainty(confidence, scores.margins[i].tolist())
            answer = believed[i], predicted, sure, model.version, activation, shadows[i]
            memory.answered.append(Answered(Place(0, 0, at + i, 0), key, features.tolist(), *answer))
        found = self.drift.take(activation, model, records.features, scores.margins, at=at, string_of=memory.string_of)
        if found is not None:
            memory.drifted = found
        return memory.answered[at:]

    def _shadow_answers(self, features: Floats) -> list[tuple[int, str] | None]:
        if self.memory.shadow is None:
            return [None] * len(features)
        model = self.memory.models[self.memory.shadow.version].model
        return [(model.version, model.classes[i]) for i in score(model, features, self.memory.string_of).labels]

    def _review(self, latest: Sequence[Answered]) -> None:
        """The reviewer review; what counts evidence looks at it label by label."""
        self._unreviewed = [*self._unreviewed, *latest][-POOL:]
        for about, via in self._kind.review(self._view(latest)):
            self.memory.state(about, via)
            self.log.add(self.memory)
            judge_shadow(self.memory, self._settings)
            if via in UNBIASED:
                judge_champion(self.memory, self._settings)
        self._unreviewed = [one for one in self._unreviewed if one.place not in self.memory.said]

    def _view(self, latest: Sequence[Answered]) -> ReviewView:
        memory = self.memory
        shadow = None if memory.shadow is None else memory.shadow.version
        share = share_under_drift(self._settings.audit_share, memory.drifted)
        champion = memory.champion.model.version
        return ReviewView(latest, self._unreviewed, memory.said_of, champion, shadow, share, self._rng)

    def _ask_policy(self, *, until_s: float) -> None:
        """End a training and start one when their times come: now, and until `until_s`."""
        while True:
            end_training(self.memory, self._settings)
            facts = self.memory.facts()
            decision = decide(facts, self._limits, self.memory.now_s)
            if decision.trigger is not None:
                job = command_id("bench", facts, decision.trigger)
                if job not in self._asked:
                    self._asked.add(job)
                    begin_training(self.memory, self._settings, job, takes_s=self._pace.training_s)
            self.log.decided(facts, decision)
            training, now_s = self.memory.training, self.memory.now_s
            waits = [] if decision.wake_s is None else [now_s + decision.wake_s]
            next_s = min(waits if training is None else [training.ends_s], default=until_s)
            if next_s >= until_s:
                return
            self.memory.now_s = next_s
