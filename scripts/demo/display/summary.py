"""The summary as text and tables: held-back accuracy, the counts, and whether they agree. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group
from rich.table import Table
from rich.text import Text

from relearn.scripts.demo.checks.counts import Counted, Served, disagreeing
from relearn.scripts.demo.checks.held_back import HeldBack
from relearn.scripts.demo.display.figures import percent


def held_back_lines(found: HeldBack) -> Iterator[str]:
    """The accuracy of each champion of this run on records that none of them has seen."""
    if not found.champions:
        yield "No held-back record is left that no model has seen: earlier runs had other seeds."
        return
    one = found.champions[0].shifted is None
    yield f"On {found.records:,} held-back records, never streamed, that no model has seen:"
    yield f"{'':<16}{'right':>8}" if one else f"{'':<16}{'as they were':>14}{'shifted':>12}"
    for judged in found.champions:
        name = f"  champion {judged.version}"
        plain, shifted = percent(judged.plain), percent(judged.shifted)
        yield f"{name:<16}{plain:>8}" if one else f"{name:<16}{plain:>14}{shifted:>12}"


def summary(counts: Sequence[Counted], served: Served) -> Group:
    """The counts of this run by place, and whether they agree."""
    wrong = disagreeing(counts)
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 3, 0, 0))
    table.add_column("what was counted", min_width=34)
    for heading in ("messages", "records"):
        table.add_column(heading, justify="right", min_width=10)
    table.add_column()
    for i, count in enumerate(counts):
        if i and count.of != counts[i - 1].of:
            table.add_section()
        differs = Text("differs", "bold red") if count in wrong else Text()
        table.add_row(count.where, _number(count, count.messages), _number(count, count.records), differs)
    return Group(table, Text(), verdict(counts, served))


def verdict(counts: Sequence[Counted], served: Served) -> Text:
    """One line if all counts agree, else the counts that differ."""
    wrong = [_count_text(count) for count in disagreeing(counts)]
    if not served.agrees:
        wrong.append(f"{served.text}, and Postgres has activation {served.activation}")
    if wrong:
        return Text(f"THESE DON'T AGREE: {'; '.join(wrong)}.", "bold red")
    sent = [f"{one.records:,} {one.of}" for one in counts if one.where.startswith("sent")]
    stored = f"All agree: {' and '.join(sent)}, each stored exactly once."
    return Text(f"{stored}\nAll agree: {served.text}, as in Postgres.", "bold green")


def _count_text(count: Counted) -> str:
    given = [f"{n:,} {unit}" for n, unit in ((count.messages, "messages"), (count.records, count.of)) if n is not None]
    return f"{count.where}: {', '.join(given) or 'no answer'}"


def _number(count: Counted, value: int | None) -> str:
    if value is None:
        return "no answer" if count.messages is None and count.records is None else ""
    return f"{value:,}"
