"""Whether each acknowledged record is exactly one row or exactly one dead letter, and all else agrees with that."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from relearn.schemas.model.linear_svm import Model, decode_model
from relearn.scripts.dev.bench.faults.ledger import At, Ledger, Special, features_of
from relearn.scripts.dev.bench.faults.probe import Probe

_SHOWN = 5
#: Rows whose margins are computed together.
_AT_ONCE = 10_000
_GENERATIONS = "SELECT name, topic_id, generation FROM topics"
_PLACES = """
SELECT kafka_offset, record_index, id, features[1], label, margins, model, activation FROM predictions
WHERE generation = $1 AND kafka_partition = $2 ORDER BY kafka_offset, record_index, ingested_at
"""
_COUNTS = """
SELECT coalesce(r.generation, t.generation), coalesce(r.kafka_partition, t.kafka_partition), coalesce(r.n, 0)::bigint,
    coalesce(t.records, 0)
FROM (SELECT generation, kafka_partition, count(*) AS n FROM predictions GROUP BY 1, 2) r
FULL JOIN totals t ON r.generation = t.generation AND r.kafka_partition = t.kafka_partition
"""
_LETTERS = "SELECT topic, generation, kafka_partition, kafka_offset, record_index, reason FROM dead_letters"
_ACTIVATIONS = """
SELECT activation, version, body FROM activations JOIN models USING (version) WHERE activations.role = 'champion'
"""


@dataclass
class Findings:
    """What the checker found. Each list has an entry per disagreement; all are empty where the promise holds."""

    acknowledged: int = 0
    """Records with an outcome: plain ones, and those of special messages."""
    rows: int = 0
    dead_letters: int = 0
    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    """Rows and dead letters without an acknowledged record at their place."""
    changed: list[str] = field(default_factory=list)
    """Rows with another content, label, margin or model than their record and activation."""
    refusals: list[str] = field(default_factory=list)
    """Dead letters that should be rows, rows that should be dead letters, and other reasons than expected."""
    totals: list[str] = field(default_factory=list)
    offsets: list[str] = field(default_factory=list)

    def problems(self) -> dict[str, list[str]]:
        """The lists that aren't empty, by name."""
        names = ("lost", "twice", "foreign", "changed", "refusals", "totals", "offsets")
        return {name: found for name in names if (found := getattr(self, name))}

    def __str__(self) -> str:
        found = {name: f"{len(many)} ({'; '.join(many[:_SHOWN])})" for name, many in self.problems().items()}
        return f"{self.acknowledged} acknowledged, {self.rows} rows, {self.dead_letters} dead letters; {found or 'ok'}"


class Checker:
    """Compares the ledger with the tables of one namespace."""

    def __init__(self, probe: Probe, ledger: Ledger, models: Mapping[int, Model]) -> None:
        """`models`: by version those that were published without Postgres."""
        self._probe = probe
        self._ledger = ledger
        self._models = dict(models)
        self._activations = dict(ledger.models)
        self._generations: dict[tuple[str, str], int] = {}
        self.found = Findings()

    def check(self, groups: Mapping[str, str]) -> Findings:
        """All disagreements. `groups`: by role the topic whose end it must have committed."""
        for name, topic_id, generation in self._probe.rows(_GENERATIONS):
            self._generations[name, topic_id] = generation
        for activation, version, body in self._probe.rows(_ACTIVATIONS):
            self._activations[activation] = version
            self._models[version] = decode_model(body)
        letters = self._letters()
        seen: Counter[str] = Counter()
        for topic_id, partition in sorted(self._places()):
            self._check_partition(topic_id, partition, letters, seen)
        self.found.twice += [f"record {one} has {times} rows" for one, times in seen.items() if times > 1]
        self._check_other_topics(letters)
        self.found.foreign += [f"a dead letter at {place}: {reasons}" for place, reasons in letters.items()]
        self._check_totals()
        for role, topic in groups.items():
            behind = self._probe.lag(role, topic)  # type: ignore[arg-type] # short names of topics
            self.found.offsets += [f"{role}: {topic}-{number}: {left}" for number, left in behind.items()]
        return self.found

    def _places(self) -> set[tuple[str, int]]:
        special = {(at.topic_id, at.partition) for topic, at in self._ledger.special if topic == "ingest"}
        return special | set(self._ledger.plain)

    def _letters(self) -> dict[tuple[str, int, int, int, int], list[str]]:
        """Reasons by place. The table itself allows one per place; the check doesn't rely on that."""
        found: dict[tuple[str, int, int, int, int], list[str]] = {}
        ingest, known = self._probe.name("ingest"), set(self._generations.values())
        for topic, generation, partition, offset, index, reason in self._probe.rows(_LETTERS):
            if topic == ingest and generation not in known:
                continue  # of a forged block: no acknowledged record has this generation
            found.setdefault((topic, generation, partition, offset, index), []).append(reason)
            self.found.dead_letters += 1
        return found

    def _check_partition(
        self, topic_id: str, partition: int, letters: dict[Any, list[str]], seen: Counter[str]
    ) -> None:
        topic = self._probe.name("ingest")
        generation = self._generations.get((topic, topic_id))
        rows: dict[tuple[int, int], list[Any]] = {}
        if generation is not None:
            for row in self._probe.rows(_PLACES, generation, partition):
                rows.setdefault((row[0], row[1]), []).append(row)
                self.found.rows += 1
                seen[str(row[2])] += 1
        plain: dict[int, list[tuple[str, int, Any]]] = defaultdict(list)
        for at, index, name, number, special in self._expected(topic_id, partition):
            self.found.acknowledged += 1
            here = rows.pop((at.offset, index), [])
            reasons = letters.pop((topic, generation, partition, at.offset, index), [])
            where = f"{generation}-{partition}-{at.offset}-{index}" + (f" ({special.kind})" if special else "")
            self._check_outcome(where, at, len(here), reasons, special=special, index=index)
            for row in here[:1]:
                if self._check_row(where, row, name, number) and number is not None:
                    plain[row[6]].append((where, number, row))
        for version, found in plain.items():
            for start in range(0, len(found), _AT_ONCE):
                self._check_answers(version, found[start : start + _AT_ONCE])
        for place, many in rows.items():
            if not (str(many[0][2]).isdigit() and int(many[0][2]) in self._ledger.unanswered):
                self.found.foreign.append(f"a row at {generation}-{partition}-{place[0]}-{place[1]}: {many[0][2]}")

    def _expected(self, topic_id: str, partition: int) -> Iterator[tuple[At, int, str, int | None, Special | None]]:
        """Place, index and id of each acknowledged record of `ingest`; its number where it is a plain one."""
        if (topic_id, partition) in self._ledger.plain:
            offsets, numbers = self._ledger.plain[topic_id, partition].columns()
            for offset, number in zip(offsets.tolist(), numbers.tolist(), strict=True):
                yield At(topic_id, partition, offset), 0, str(number), number, None
        for (topic, at), special in self._ledger.special.items():
            if topic == "ingest" and (at.topic_id, at.partition) == (topic_id, partition):
                named = {**special.rows, **special.either}
                for index in sorted({*named, *special.refused}):
                    yield at, index, named.get(index, ""), None, special

    def _check_outcome(
        self, where: str, at: At, rows: int, reasons: list[str], *, special: Special | None, index: int
    ) -> None:
        outcomes = rows + len(reasons)
        if outcomes == 0 and not self._ledger.may_be_missing(at) and not (special and special.maybe):
            self.found.lost.append(where)
        if outcomes > 1:
            self.found.twice.append(f"{where}: {rows} rows, {len(reasons)} dead letters")
        refused = special is not None and index in special.refused
        if rows and refused:
            self.found.refusals.append(f"{where} is a row")
        if reasons and not refused and not (special is not None and index in special.either):
            self.found.refusals.append(f"{where} is refused: {reasons[0]}")
        if special is not None and refused and reasons:
            allowed = special.refused[index]
            if allowed and reasons[0] not in allowed:
                self.found.refusals.append(f"{where}: {reasons[0]}, not {sorted(allowed)}")

    def _check_row(self, where: str, row: Any, name: str, number: int | None) -> bool:
        """Content and model of one row; whether the model is that of its activation."""
        _, _, given, first, _, _, version, activation = row
        if given != name or (number is not None and first != number):
            self.found.changed.append(f"{where}: {given} instead of {name}")
        if self._activations.get(activation) == version:
            return True
        self.found.changed.append(f"{where}: model {version} under activation {activation}")
        return False

    def _check_answers(self, version: int, found: Sequence[tuple[str, int, Any]]) -> None:
        """Labels and margins of plain records that this version answered: place, number and row of each."""
        model = self._models[version]
        x = features_of(np.array([number for _, number, _ in found]))
        expected = x @ model.weights.T + model.bias
        bounds = 1e-9 * np.maximum(1.0, abs(model.bias) + abs(x) @ abs(model.weights).T)
        chosen = np.argmax(expected, axis=1) if expected.shape[1] > 1 else (expected[:, 0] > 0).astype(int)
        for (where, _, row), right, wanted, bound in zip(found, chosen, expected, bounds, strict=True):
            label, margins = row[4], row[5]
            differs = len(margins) != len(wanted) or (abs(wanted - margins) > bound).any()
            if differs or label != model.classes[right]:
                text = f"{where}: {label} {margins} instead of {model.classes[right]} {wanted.tolist()}"
                self.found.changed.append(text)

    def _check_other_topics(self, letters: dict[Any, list[str]]) -> None:
        for (short, at), special in self._ledger.special.items():
            if short == "ingest":
                continue
            topic = self._probe.name(short)
            generation = self._generations.get((topic, at.topic_id), 0)
            for index in special.refused:
                self.found.acknowledged += 1
                reasons = letters.pop((topic, generation, at.partition, at.offset, index), [])
                where = f"{short} {at.partition}-{at.offset}-{index} ({special.kind})"
                self._check_outcome(where, at, 0, reasons, special=special, index=index)

    def _check_totals(self) -> None:
        for generation, partition, rows, total in self._probe.rows(_COUNTS):
            if rows != total:
                self.found.totals.append(f"{generation}-{partition}: {rows} rows, totals {total}")
