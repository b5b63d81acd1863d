"""The page of `relearn status`: the condition of a deployment as tables that fit 80 columns. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from relearn.agents.dead_letters.render import printable

Condition = Mapping[str, Any]


def page(condition: Condition) -> Group:
    """All values, and which are unknown."""
    parts: list[RenderableType] = [_headline(condition), Text(), _servers(condition), Text(), _facts(condition)]
    if condition["workers"] is not None:
        parts += [Text(), _workers(condition["workers"]), *_missing(condition["missing"])]
        parts += _notices(condition["workers"])
    if condition["lag"] is not None:
        parts += [Text(), _lag(condition["lag"])]
    return Group(*parts)


def _headline(condition: Condition) -> Text:
    down = ", ".join(condition["down"])
    notices = sum(len(worker.get("notices", ())) for worker in condition["workers"] or ())
    counts = ((len(_alerts(condition)), "alert"), (notices, "notice"))
    told = [f"{n:,} {thing}{'s' if n > 1 else ''}" for n, thing in counts if n]
    up = (", ".join(["all up", *told]), "yellow" if told else "green")
    state = ("down: " + down, "bold red") if down else up
    return Text.assemble(("Relearn", "bold"), f"  namespace {condition['namespace']}  ", state)


def _servers(condition: Condition) -> Table:
    table = _plain(3)
    for name, server in condition["servers"].items():
        state = Text(server["state"], "bold red" if server["error"] else "green")
        table.add_row(name, state, Text(printable(server["error"] or server["address"])))
    api = condition["api"]
    style = "bold red" if "api" in condition["down"] else "yellow" if api["error"] else "green"
    table.add_row("api", Text(api["state"], style), Text(printable(api["error"] or api["address"])))
    for name, process in (condition["processes"] or {}).items():
        if name not in condition["servers"] and process["state"] != "ready":
            restarts = f"{process['restarts']} restarts; " if process["restarts"] else ""
            table.add_row(name, Text(process["state"], "yellow"), f"{restarts}{process['log']}")
    return table


def _facts(condition: Condition) -> Table:
    table = _plain(2)
    table.add_row("model", champion_line(condition))
    totals, shown = condition["totals"], condition["recent_records"]
    if totals is not None:
        expired = f", {totals['expired']:,} skipped as too old" if totals["expired"] else ""
        table.add_row("records", f"{totals['records']:,} stored{expired}")
    if shown is not None and (totals is None or shown != totals["records"]):
        table.add_row("", f"{shown:,} as Redis shows it")
    if condition["dead_letters"] is not None:
        table.add_row("dead letters", Text(dead_letters_line(condition["dead_letters"])))
    loop = condition["retraining"]
    if loop is not None:
        table.add_row("training", Text(printable(_since(loop["since"]) + loop["sentence"])))
    for alert in _alerts(condition):
        text = f"{alert['code']} {_since(alert['since'])}{alert['detail']}"
        table.add_row(Text("ALERT", "bold yellow"), Text(printable(text)))
    for gap in condition.get("gaps") or ():
        table.add_row(Text("gap", "bold yellow"), Text(printable(gap_line(gap))))
    for pause in condition["pauses"] or ():
        text = f"{pause['agent']} since {pause['paused_at'][:19]}: {pause['reason']}; end it with `relearn dlq resume`"
        table.add_row(Text("PAUSED", "bold red"), Text(printable(text)))
    return table


def _alerts(condition: Condition) -> list[Mapping[str, Any]]:
    """What is wrong with the learning; none where that isn't known."""
    alerts: list[Mapping[str, Any]] = (condition["retraining"] or {}).get("alerts", [])
    return alerts


def _since(at: str | None) -> str:
    return "" if at is None else f"since {at[:19]}: "


def gap_line(gap: Mapping[str, Any]) -> str:
    """Offsets that a role did not read, with the cause and the time."""
    lost = f"{gap['lost'] or 0:,}" + (" or more" if gap["more"] else "")
    lost = lost if gap["lost"] or not gap["more"] else "an unknown number"
    told = {
        "deleted": f"{lost} offsets were deleted before they were read",
        "recreated": f"the topic was deleted and created again, {lost} of its offsets were not read before",
        "truncated": "the log ended before what was read, and was read again",
    }
    role = "" if gap["role"] == "all" else f"{gap['role']} on "
    return f"{role}{gap['topic']}: {told.get(gap['why'], gap['why'])}; last at {gap['last_at'][:19]}"


def champion_line(condition: Condition) -> str:
    """The champion, or why it is unknown."""
    champion = condition["champion"]
    if champion is not None:
        return f"version {champion['version']}, activation {champion['activation']}, since {champion['at'][:19]} UTC"
    known = condition["servers"]["postgres"]["error"] is None
    return "none yet: `relearn model train --data digits`" if known else "not known: Postgres doesn't answer"


def dead_letters_line(found: list[dict[str, Any]]) -> str:
    """The number of dead letters by reason, and the command that lists the open ones."""
    records, still_open = sum(row["records"] for row in found), sum(row["open"] for row in found)
    if not records:
        return "none"
    reasons = ", ".join(f"{printable(row['reason'])} {row['open']:,}" for row in found if row["open"])
    return f"{records:,}, {still_open:,} open" + (f" ({reasons}); see `relearn dlq list`" if still_open else "")


def _workers(workers: list[dict[str, Any]]) -> Table | Text:
    if not workers:
        return Text("no worker has sent a heartbeat in the last ten seconds", "yellow")
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("worker", "condition", "model", "activation", "partitions", "lag", "records/s"):
        right = heading in {"model", "activation", "lag", "records/s"}
        table.add_column(heading, justify="right" if right else "left")
    for worker in workers:
        condition = Text(printable(worker["condition"]), "green" if worker["condition"] == "ready" else "yellow")
        numbers = [_number(worker["lag"]), f"{worker['rate']:,.1f}"]
        model = [_number(worker["model"]), _number(worker["activation"])]
        table.add_row(worker["id"], condition, *model, partitions_line(worker["partitions"]), *numbers)
    return table


def _missing(missing: list[dict[str, Any]] | None) -> list[Text]:
    """A line for each role of which workers are missing."""
    lines = (f"{one['expected']} {one['role']} expected, {one['seen']} alive" for one in missing or ())
    return [Text.assemble(("MISSING ", "bold red"), line) for line in lines]


def _notices(workers: list[dict[str, Any]]) -> list[Text]:
    """A line for each notice of each worker."""
    return [
        Text.assemble(
            (f"{worker['id']} {printable(one['code'])}", "bold yellow"),
            f" since {_time_of(one['since'])}: {printable(one['detail'])}",
        )
        for worker in workers
        for one in worker.get("notices", ())
    ]


def _time_of(unix_s: float) -> str:
    return f"{datetime.fromtimestamp(unix_s, UTC):%Y-%m-%dT%H:%M:%S}"


def partitions_line(partitions: list[str]) -> str:
    """`ns.ingest-0`, `ns.ingest-1`, `ns.ingest-2` as `ingest 0-2`."""
    topics: dict[str, list[int]] = {}
    for partition in partitions:
        topic, _, number = partition.rpartition("-")
        topics.setdefault(topic.rpartition(".")[2], []).append(int(number))
    return " ".join(f"{topic} {_ranges(sorted(numbers))}" for topic, numbers in topics.items())


def _ranges(numbers: list[int]) -> str:
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def _lag(lags: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("group", "reads", "lag", "by partition, in messages"):
        table.add_column(heading, justify="right" if heading == "lag" else "left")
    for group, topic in dict.fromkeys((lag["group"], lag["topic"]) for lag in lags):
        own = [lag for lag in lags if (lag["group"], lag["topic"]) == (group, topic)]
        total = sum(lag["lag"] for lag in own)
        each = " ".join(f"{lag['lag']:,}" for lag in own) if total else ""
        held = sum(lag.get("held", 0) for lag in own)
        each += f" ({held:,} more behind an open transaction)" if held else ""
        never = "" if any(lag["committed"] is not None for lag in own) or not total else " (nothing committed yet)"
        table.add_row(group.rpartition(".")[2], topic.rpartition(".")[2], f"{total:,}", each + never)
    return table


def _plain(columns: int) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    for number in range(columns):
        table.add_column(no_wrap=number == 0, style="dim" if number == 0 else None)
    return table


def _number(value: Any) -> str:
    return "-" if value is None else f"{value:,}"
