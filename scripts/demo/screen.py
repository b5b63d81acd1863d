"""The demo's figures while the stream runs: a panel of six lines, or a line or two of the story. No I/O."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.text import Text

WIDTH = 80
NAME = 10


@dataclass(frozen=True, slots=True)
class Learning:
    """How far learning is. `policy`: in its own words. `per_second`: of the reviewer at work, None: there is none."""

    answers: int = 0
    corrections: int = 0
    per_second: float | None = None
    policy: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """A moment of the stream. Latencies in ms, from the producer's timestamp to a row that others can read."""

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
        """Records on their way: sent, and not a row yet."""
        return self.sent - self.stored


def panel(figures: Figures) -> Text:
    """The figures for a terminal of 80 columns: six lines, or seven where the policy has much to say."""
    f, known = figures, figures.learning
    pace = "nobody reviews now" if known.per_second is None else f"{known.per_second:g} per second, 1 in 50 is wrong"
    rows = (
        ("stream", f"{f.sent:,} in", f"{f.stored:,} stored", f"{f.rate:,.0f} records/s, lag {f.lag:,}"),
        ("latency", f"p50 {_ms(f.p50_ms)}", f"p99 {_ms(f.p99_ms)}", "record sent → row readable"),
        ("answers", f"{percent(f.accuracy)} right", f"lately {percent(f.recent_accuracy)}", "by the known labels"),
        ("reviews", f"{known.answers:,} answers", f"{known.corrections:,} corrections", pace),
    )
    served = ", ".join(models(f.workers)) or "no worker has been heard of"
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
    """The same without a terminal, as lines of the story: the stream, and the policy once there was an answer."""
    f, known = figures, figures.learning
    latency = f"p50 {_ms(f.p50_ms)}, p99 {_ms(f.p99_ms)}"
    stream = f"{f.sent:,} in, lag {f.lag:,}, {latency}, {percent(f.recent_accuracy)} right"
    return [("stream", stream), *([("policy", known.policy)] if known.answers else [])]


def models(workers: Iterable[dict[str, Any]]) -> list[str]:
    """Which model each scoring worker serves, and which answers beside it: `score-1 v3 (shadow v4)`."""
    return [
        f"{worker['id']} {'no model' if worker['model'] is None else 'v' + str(worker['model'])}"
        + (f" (shadow v{worker['shadow']})" if worker.get("shadow") else "")
        for worker in workers
        if worker["role"] == "score"
    ]


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f} ms"


def percent(share: float | None) -> str:
    """A share of one with a digit behind the point."""
    return "-" if share is None else f"{100 * share:.1f} %"
