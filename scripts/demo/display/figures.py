"""The figures while the stream runs: how they are computed, and as a panel of six lines or lines of text. No I/O."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.text import Text

WIDTH = 80
NAME = 10


@dataclass(frozen=True, slots=True)
class Learning:
    """Reviews so far, the reviewer's rate (None while no reviewer is at work), and the text of the retrain policy."""

    answers: int = 0
    corrections: int = 0
    per_second: float | None = None
    policy: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """The stream at one moment. Latencies in ms, from the hand-over to the producer to a row readable in Postgres."""

    elapsed_s: float
    sent: int
    stored: int
    rate: float
    p50_ms: float | None
    p99_ms: float | None
    accuracy: float | None
    recent_accuracy: float | None
    workers: Sequence[dict[str, Any]]
    learning: Learning = field(default_factory=Learning)

    @property
    def lag(self) -> int:
        """Records that were sent and are no rows yet."""
        return self.sent - self.stored


def panel(figures: Figures) -> Text:
    """The figures for a terminal of 80 columns: six lines, or seven if the policy's text is long."""
    f, known = figures, figures.learning
    pace = "no reviewer at work" if known.per_second is None else f"{known.per_second:g} per second, 1 in 50 is wrong"
    rows = (
        ("stream", f"{f.sent:,} in", f"{f.stored:,} stored", f"{f.rate:,.0f} records/s, lag {f.lag:,}"),
        ("latency", f"p50 {_ms(f.p50_ms)}", f"p99 {_ms(f.p99_ms)}", "record sent → row readable"),
        ("answers", f"{percent(f.accuracy)} right", f"recent {percent(f.recent_accuracy)}", "by the known labels"),
        ("reviews", f"{known.answers:,} answers", f"{known.corrections:,} corrections", pace),
    )
    served = ", ".join(models(f.workers)) or "no heartbeat of a worker"
    policy = textwrap.wrap(known.policy, WIDTH - NAME, max_lines=2, placeholder=" …") or ["-"]
    named = [
        *((name, f"{one:<16}{two:<19}{three}") for name, one, two, three in rows),
        *zip(("policy", ""), policy, strict=False),
        ("models", served),
    ]
    shown = [Text.assemble((f"{name:<{NAME}}", "bold"), text) for name, text in named]
    for one in shown:
        one.truncate(WIDTH, overflow="ellipsis")
    return Text("\n").join(shown)


def lines(figures: Figures) -> list[tuple[str, str]]:
    """The figures without a terminal: a line of the stream, and one of the policy after the first review."""
    f, known = figures, figures.learning
    latency = f"p50 {_ms(f.p50_ms)}, p99 {_ms(f.p99_ms)}"
    stream = f"{f.sent:,} in, lag {f.lag:,}, {latency}, {percent(f.recent_accuracy)} right"
    return [("stream", stream), *([("policy", known.policy)] if known.answers else [])]


def models(workers: Iterable[dict[str, Any]]) -> list[str]:
    """The model that each score worker serves, and its shadow: `score-1 v3 (shadow v4)`."""
    return [
        f"{worker['id']} {'no model' if worker['model'] is None else 'v' + str(worker['model'])}"
        + (f" (shadow v{worker['shadow']})" if worker.get("shadow") else "")
        for worker in workers
        if worker["role"] == "score"
    ]


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f} ms"


def percent(share: float | None) -> str:
    """A share of one as a percentage with one decimal."""
    return "-" if share is None else f"{100 * share:.1f} %"


def percentile(values: Iterable[float], share: float) -> float | None:
    """The smallest value that at least `share` of all values don't exceed (nearest rank); None without values."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None
