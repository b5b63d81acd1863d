"""The outcomes as JSON, and as a page of docs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from relearn.scripts.dev.bench.faults.schedule import Outcome


def as_json(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """Everything that was measured and found."""
    return [
        {
            "faults": list(one.faults),
            "bars": list(one.rows),
            "seed": one.seed,
            "seconds": one.seconds,
            "load_average": one.load,
            "restarts": one.restarts,
            "measures": [{**asdict(measure), "passed": measure.passed} for measure in one.measures],
            "findings": asdict(one.findings) if one.findings else None,
            "skipped": one.skipped,
            "failures": one.failures,
            "passed": not one.failures and one.skipped is None,
        }
        for one in outcomes
    ]


def as_markdown(found: Sequence[dict[str, Any]]) -> str:
    """A table with a row per scene, from `as_json`."""
    lines = ["| fault | bar | checked | measured | load | result |", "| --- | --- | --- | --- | ---: | --- |"]
    for one in found:
        measures = "; ".join(_measure(measure) for measure in one["measures"])
        failures = "; ".join(text.replace("\n", " ")[:160] for text in one["failures"])
        result = (
            f"skipped: {one['skipped']}" if one["skipped"] else "pass" if one["passed"] else f"**fail**: {failures}"
        )
        cells = (", ".join(one["faults"]), "; ".join(one["bars"]), _checked(one), measures, one["load_average"], result)
        lines.append("| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def _measure(measure: dict[str, Any]) -> str:
    bar = "" if measure["bar"] is None else f" (≤ {measure['bar']:g})"
    return f"{measure['name']} {measure['value']:g} {measure['unit']}".strip() + bar


def _checked(one: dict[str, Any]) -> str:
    found = one["findings"]
    if found is None:
        return "not checked"
    counts = f"{found['acknowledged']:,} records: {found['rows']:,} rows, {found['dead_letters']:,} dead letters"
    return f"{counts}; {len(found['lost'])} lost, {len(found['twice'])} twice"
