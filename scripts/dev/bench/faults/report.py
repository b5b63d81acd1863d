"""The outcomes as JSON, and as the page docs/faults.md. A run replaces the entries of its faults and its size."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from relearn.scripts.dev.bench.faults.fault import SCALES
from relearn.scripts.dev.bench.faults.schedule import FAULTS, Outcome

_SAMPLES = 3
_PAGE = """\
# Faults

Written by `relearn bench faults --report docs`; the same figures, and more of them, are in [faults.json](faults.json).

Each fault has a namespace, workers and a stream of records of its own, on real servers. A producer keeps a ledger of
what the broker acknowledged: each record by its place in Kafka and by its content. When the stream has ended and
everything is committed, a checker compares the ledger with Postgres: each acknowledged record is exactly one row or
exactly one dead letter, with its content, and with the label and margins of the model that its activation names;
refusals are those of the records at fault, with their reason; totals equal rows; each group has committed the end of
its topic.

`--only FAULT` runs one, `--seed` decides order and choices, `--size small|medium|full` decides how long and how often
(`full` has the durations of the bars), `--together` inflicts all on one stream. `make test` runs those of connections
at a small size, without asserting a time; other tests have the rest. [decisions/faults.md](decisions/faults.md)
explains how and why.

A time is a figure of one run; the load average beside it is that of the machine (two cores, with other work beside it
where it is above 4). A bar that was missed is named in the last column. A fault that ran at several sizes has a row for
each.

"""


def as_json(outcomes: Sequence[Outcome], size: str) -> list[dict[str, Any]]:
    """Everything that was measured, and counts and samples of what was found."""
    return [
        {
            "faults": list(one.faults),
            "bars": list(one.rows),
            "size": size,
            "seed": one.seed,
            "seconds": one.seconds,
            "load_average": one.load,
            "restarts": one.restarts,
            "measures": [{**asdict(measure), "passed": measure.passed} for measure in one.measures],
            "findings": _summary(asdict(one.findings)) if one.findings else None,
            "skipped": one.skipped,
            "failures": [text[:400] for text in one.failures],
            "passed": not one.failures and one.skipped is None,
        }
        for one in outcomes
    ]


def write_report(directory: Path, outcomes: Sequence[Outcome], size: str) -> None:
    """Write `faults.json` and `faults.md`; entries of other faults, and of other sizes, stay as they are."""
    path = directory / "faults.json"
    old = json.loads(path.read_text()) if path.exists() else []
    new = as_json(outcomes, size)
    replaced = [(one["faults"], one["size"]) for one in new]
    kept = [one for one in old if (one["faults"], one["size"]) not in replaced]
    order, sizes = list(FAULTS), list(SCALES)

    def place(one: dict[str, Any]) -> tuple[int, int]:
        name = one["faults"][0]
        return (order.index(name) if one["faults"] == [name] else len(order)), sizes.index(one["size"])

    every = sorted([*kept, *new], key=place)
    path.write_text(json.dumps(every, indent=1, ensure_ascii=False) + "\n")
    (directory / "faults.md").write_text(_PAGE + as_markdown(every))


def as_markdown(found: Sequence[dict[str, Any]]) -> str:
    """A table with a row per scene, from `as_json`."""
    lines = [
        "| fault | bar | size | checked | measured | load | result |",
        "| --- | --- | --- | --- | --- | ---: | --- |",
    ]
    for one in found:
        measures = "; ".join(_measure(measure) for measure in one["measures"])
        failures = "; ".join(text.replace("\n", " ")[:160] for text in one["failures"])
        result = (
            "pass" if one["passed"] else f"skipped: {one['skipped']}" if one["skipped"] else f"**fail**: {failures}"
        )
        cells = (
            ", ".join(one["faults"]),
            "; ".join(one["bars"]),
            one["size"],
            _checked(one),
            measures,
            one["load_average"],
            result,
        )
        lines.append("| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |")
    sizes = "; ".join(
        f"{name}: {one.records:,} records at {one.rate:,.0f}/s and more while the fault lasts"
        for name, one in SCALES.items()
    )
    return "\n".join([*lines, "", f"Sizes: {sizes}."]) + "\n"


def _measure(measure: dict[str, Any]) -> str:
    bar = "" if measure["bar"] is None else f" (≤ {measure['bar']:g})"
    return f"{measure['name']} {measure['value']:g} {measure['unit']}".strip() + bar


def _summary(findings: dict[str, Any]) -> dict[str, Any]:
    """Lists as their length and first entries."""
    return {
        name: {"count": len(value), "samples": value[:_SAMPLES]} if isinstance(value, list) else value
        for name, value in findings.items()
    }


def _checked(one: dict[str, Any]) -> str:
    found = one["findings"]
    if found is None:
        return "not checked"
    counts = f"{found['acknowledged']:,} records: {found['rows']:,} rows, {found['dead_letters']:,} dead letters"
    return f"{counts}; {found['lost']['count']} lost, {found['twice']['count']} twice"
