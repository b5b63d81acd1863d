"""The demo's figures while the stream runs, as a panel of five lines or as one line; and its summary. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from scripts.demo.figures import Counted, disagreeing


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

    @property
    def lag(self) -> int:
        """Records on their way: sent, and not a row yet."""
        return self.sent - self.stored


def panel(figures: Figures) -> Text:
    """The figures for a terminal of 80 columns: four lines."""
    f = figures
    rows = (
        ("stream", f"{f.sent:,} in", f"{f.stored:,} stored", f"{f.rate:,.0f} records/s, lag {f.lag:,}"),
        ("latency", f"p50 {_ms(f.p50_ms)}", f"p99 {_ms(f.p99_ms)}", "record sent → row readable"),
        ("answers", f"{_percent(f.accuracy)} right", f"lately {_percent(f.recent_accuracy)}", "by the known labels"),
    )
    lines = [Text.assemble((f"{name:<10}", "bold"), f"{one:<16}{two:<19}{three}") for name, one, two, three in rows]
    served = Text.assemble((f"{'models':<10}", "bold"), ", ".join(models(f.workers)) or "no worker has been heard of")
    served.truncate(80, overflow="ellipsis")
    return Text("\n").join([*lines, served])


def line(figures: Figures) -> str:
    """The same without a terminal, in 80 columns."""
    f = figures
    return (
        f"{f.elapsed_s:4.0f} s  in {f.sent:,}  stored {f.stored:,}  {f.rate:,.0f}/s  lag {f.lag:,}"
        f"  p50 {_ms(f.p50_ms)} p99 {_ms(f.p99_ms)}  right {_percent(f.accuracy)}"
    )


def models(workers: Iterable[dict[str, Any]]) -> list[str]:
    """Which model each scoring worker serves: `score-1 v3`."""
    return [
        f"{worker['id']} {'no model' if worker['model'] is None else 'v' + str(worker['model'])}"
        for worker in workers
        if worker["role"] == "score"
    ]


def summary(counts: Sequence[Counted]) -> Group:
    """What each place says of this run, and whether all say the same."""
    wrong = disagreeing(counts)
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 3, 0, 0))
    table.add_column("what was counted", min_width=34)
    for heading in ("messages", "records"):
        table.add_column(heading, justify="right", min_width=10)
    table.add_column()
    for count in counts:
        differs = Text("differs", "bold red") if count in wrong else Text()
        table.add_row(count.where, _number(count, count.messages), _number(count, count.records), differs)
    return Group(table, Text(), verdict(counts))


def verdict(counts: Sequence[Counted]) -> Text:
    """One sentence: all agree, or which don't."""
    wrong = disagreeing(counts)
    if not wrong:
        return Text(f"All agree: {counts[0].records:,} records, each stored exactly once.", "bold green")
    return Text(f"THESE DON'T AGREE: {'; '.join(_said(count) for count in wrong)}.", "bold red")


def _said(count: Counted) -> str:
    given = [f"{n:,} {unit}" for n, unit in ((count.messages, "messages"), (count.records, "records")) if n is not None]
    return f"{count.where}: {', '.join(given) or 'no answer'}"


def _number(count: Counted, value: int | None) -> str:
    if value is None:
        return "no answer" if count.messages is None and count.records is None else ""
    return f"{value:,}"


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f} ms"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
