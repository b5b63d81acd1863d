"""`relearn bench faults`: inflicts faults on a running system and checks that each record ended exactly once."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from rich.console import Console

from relearn.scripts.dev.bench.faults.fault import SCALES
from relearn.scripts.dev.bench.faults.report import as_json, write_report
from relearn.scripts.dev.bench.faults.schedule import FAULTS, Outcome, run_all
from relearn.scripts.dev.bench.faults.servers import Machine
from relearn.scripts.dev.bench.faults.workers import spawn
from relearn.scripts.dev.bench.servers import scratch_directory

console = Console(stderr=True, highlight=False, soft_wrap=True)


@click.command()
@click.option("--only", multiple=True, type=click.Choice(list(FAULTS)), metavar="FAULT", help="Only these.")
@click.option("--but", multiple=True, type=click.Choice(list(FAULTS)), metavar="FAULT", help="All but these.")
@click.option("--size", type=click.Choice(list(SCALES)), default="small", show_default=True, help="How long and often.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Order and choices.")
@click.option("--together", is_flag=True, help="One stream for all faults that leave it usable, in a seeded order.")
@click.option("--list", "listed", is_flag=True, help="List the faults and their bars.")
@click.option("--json", "json_wanted", is_flag=True, help="Everything that was measured as JSON on stdout.")
@click.option("--report", type=click.Path(path_type=Path, file_okay=False), help="Write faults.json, faults.md here.")
def faults(
    *,
    only: tuple[str, ...],
    but: tuple[str, ...],
    size: str,
    seed: int,
    together: bool,
    listed: bool,
    json_wanted: bool,
    report: Path | None,
) -> None:
    """Kill, stop, starve and mislead a running system; then check that each acknowledged record ended exactly once.

    Each fault has servers' tables and topics, workers and a stream of its own. Exit code 1 where a bar was missed.
    """
    if listed:
        for name, fault in FAULTS.items():
            click.echo(f"{name:18} {fault.row}")
        return
    wanted = [fault for name, fault in FAULTS.items() if (not only or name in only) and name not in but]
    with scratch_directory() as directory:
        console.print("starting Kafka, Postgres and Valkey")
        machine = Machine(directory / "servers")
        try:
            scale = SCALES[size]
            found = run_all(machine, wanted, scale, together=together, seed=seed, spawn=spawn, on_outcome=_print)
        finally:
            machine.close()
    if json_wanted:
        click.echo(json.dumps(as_json(found, size), indent=1))
    if report is not None:
        write_report(report, found, size)
    if any(one.failures for one in found):
        sys.exit(1)


def _print(outcome: Outcome) -> None:
    result = f"skipped: {outcome.skipped}" if outcome.skipped else "FAIL" if outcome.failures else "pass"
    console.print(f"{', '.join(outcome.faults)}: {result} ({outcome.seconds:.0f} s, load {outcome.load:g})")
    console.print(f"  {outcome.findings}")
    for measure in outcome.measures:
        bar = "" if measure.bar is None else f" (at most {measure.bar:g})"
        console.print(f"  {measure.name}: {measure.value:g} {measure.unit}{bar}")
    if outcome.restarts:
        console.print(f"  workers that ended by themselves: {outcome.restarts}")
    for failure in outcome.failures:
        console.print(f"  FAILED {failure}")
