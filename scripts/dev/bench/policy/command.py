"""`relearn bench policy`: every kind of feedback on every stream, with seeds, in processes; tables, and bars."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, TypeVar

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from relearn.schemas.settings import Settings, read_settings
from relearn.scripts.dev.bench.policy.pace import DEFAULT_PACE, Pace
from relearn.scripts.render.tables import plain_table, stdout_console

if TYPE_CHECKING:
    from relearn.scripts.dev.bench.policy.bars import Bar, Figure
    from relearn.scripts.dev.bench.policy.effort import Effort
    from relearn.scripts.dev.bench.policy.outcome import Outcome

#: Libraries below numpy read these when they are loaded: one thread per process.
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
HEADINGS = (
    *("runs", "labels", "trainings", "skipped", "bad ones", "shadows", "rejected", "promoted", "bad", "start", "end"),
    *("worse", "rollbacks", "false", "windows", "alarms", "unlearned", "blocked", "regret", "95 %"),
)
Run = tuple[str, str, int]
T = TypeVar("T")


@click.command()
@click.option("--seeds", default=20, show_default=True, type=click.IntRange(1), help="Runs per stream and kind.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="The first seed.")
@click.option("--streams", default="", help="Names, comma-separated.  [default: those that each kind is judged on]")
@click.option("--kinds", default="", help="Kinds of feedback, comma-separated.  [default: all]")
@click.option(
    "--jobs", default=os.cpu_count() or 1, show_default="all cores", type=click.IntRange(1), help="Processes."
)
@click.option(
    "--effort/--no-effort", default=True, show_default=True, help="Labels needed by the review queue, and by chance."
)
@click.option(
    "--rate", default=DEFAULT_PACE.records_per_s, show_default=True, type=click.FloatRange(0.01), help="Records/s."
)
@click.option(
    "--training-s", default=DEFAULT_PACE.training_s, show_default=True, type=click.FloatRange(0), help="A training's s."
)
@click.option("--json", "as_json", is_flag=True, help="Every run and every bar as JSON on stdout.")
def policy(
    *,
    seeds: int,
    seed: int,
    streams: str,
    kinds: str,
    jobs: int,
    rate: float,
    training_s: float,
    effort: bool,
    as_json: bool,
) -> None:
    """The whole loop without servers, on data sets and drifts, judged by records that no model saw.

    Unlearned: the most labels that no training knew; blocked: the most that came while none could begin. Regret: by how
    much the champion is behind a model of all labels so far, averaged over labels. 95 %: the share of its labels that a
    run needed for 95 % of the gain that all of them give.

    Bad: promoted though more than a point below the one before. Worse: runs that end so far below their start.
    Exit code 1 where a bar isn't kept; the bars are meant for the default seeds, a few runs tell little.
    The policy's settings can be tried: RELEARN_GATE_ALPHA=0.01 relearn bench policy.
    """
    settings = read_settings(os.environ)
    os.environ.update(_ONE_THREAD)
    runs = _runs(_names(streams), _names(kinds), range(seed, seed + seeds))
    outcomes = _in_processes(_run, [(*one, settings, Pace(rate, training_s)) for one in runs], jobs)
    from relearn.scripts.data.datasets import BUNDLED  # noqa: PLC0415 - the same
    from relearn.scripts.dev.bench.policy.bars import bars, by_kind, summary  # noqa: PLC0415 - takes numpy, and what is set above
    from relearn.scripts.dev.bench.policy.effort import effort_bars  # noqa: PLC0415 - the same

    sets = [name for name in BUNDLED if effort and (not streams or name in _names(streams))]
    tries = [(name, one, settings.audit_share) for name in sets for one in range(seed, seed + seeds)]
    efforts = _in_processes(_effort, tries, jobs)
    found = [*bars(outcomes), *effort_bars(efforts)]
    if as_json:
        kinds_fields = {kind: asdict(summary(some)) for kind, some in by_kind(outcomes).items()}
        runs_fields = {"runs": [*map(asdict, outcomes)], "efforts": [*map(asdict, efforts)]}
        click.echo(json.dumps({"kinds": kinds_fields, "bars": [bar.fields() for bar in found], **runs_fields}))
    else:
        _print(outcomes, found)
    if not all(bar.kept for bar in found):
        sys.exit(1)


def _names(given: str) -> list[str]:
    return [name.strip() for name in given.split(",") if name.strip()]


def _runs(streams: Sequence[str], kinds: Sequence[str], seeds: range) -> list[Run]:
    """Stream, kind and seed of each run.

    Raises:
        click.BadParameter: there is no such stream or kind.
    """
    from relearn.scripts.dev.bench.policy.reviewers import KINDS  # noqa: PLC0415 - takes numpy
    from relearn.scripts.dev.bench.policy.streams import STREAMS  # noqa: PLC0415 - the same

    for option, names, known in (("--streams", streams, [*STREAMS]), ("--kinds", kinds, [*KINDS])):
        for name in names:
            if name not in known:
                raise click.BadParameter(f"there is no {name!r}; there are {', '.join(known)}", param_hint=option)
    return [
        (stream, kind, seed) for kind in kinds or KINDS for stream in streams or KINDS[kind].streams for seed in seeds
    ]


def _in_processes(work: Callable[..., T], given: Sequence[tuple[Any, ...]], jobs: int) -> list[T]:
    """What `work` comes to with each of these arguments, in their order; in `jobs` processes."""
    if not given:
        return []
    console = Console(stderr=True)
    with (
        Progress(console=console, disable=not console.is_terminal, transient=True) as bar,
        ProcessPoolExecutor(min(jobs, len(given)), get_context("spawn")) as pool,
    ):
        task = bar.add_task(work.__name__.strip("_"), total=len(given))
        futures = [pool.submit(work, *arguments) for arguments in given]
        try:
            for done in as_completed(futures):
                done.result()
                bar.advance(task)
            return [future.result() for future in futures]
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _run(stream: str, kind: str, seed: int, settings: Settings, pace: Pace) -> Outcome:
    from relearn.scripts.dev.bench.policy.loop import run  # noqa: PLC0415 - scikit-learn, in this process only

    return run(stream, kind, seed, settings, pace)


def _effort(stream: str, seed: int, audit_share: float) -> Effort:
    from relearn.scripts.dev.bench.policy.effort import effort  # noqa: PLC0415 - the same

    return effort(stream, seed, audit_share)


def _print(outcomes: Sequence[Outcome], found: Sequence[Bar | Figure]) -> None:
    from relearn.scripts.dev.bench.policy.bars import by_kind  # noqa: PLC0415 - takes numpy

    console = stdout_console()
    for kind, some in by_kind(outcomes).items():
        console.print(_table(kind, some))
        console.print()
    for bar in found:
        console.print(f"{'PASS' if bar.kept else 'FAIL'}  {bar.name}: {bar.text}")


def _table(kind: str, outcomes: Sequence[Outcome]) -> Table:
    """A row per stream, and one for all of them."""
    from relearn.scripts.dev.bench.policy.bars import summary  # noqa: PLC0415 - takes numpy

    table = plain_table(kind, *HEADINGS)
    for column in table.columns[1:]:
        column.justify = "right"
    streams = list(dict.fromkeys(one.stream for one in outcomes))
    for name in [*streams, "all"]:
        one = summary([found for found in outcomes if name in {found.stream, "all"}])
        bad = f"{one.bad} ({one.bad / one.promotions:.1%})" if one.bad else "0"
        trained = one.runs, one.labels, one.trainings, one.skipped, one.bad_challengers
        judged = one.shadows, one.rejections, one.promotions, bad
        served = f"{one.start:.3f}", f"{one.end:.3f}", one.worse, one.rollbacks, one.false_rollbacks
        needed = "" if one.needed is None else f"{one.needed:.2f}"
        learned = one.unlearned, one.blocked, f"{one.regret:.4f}", needed
        table.add_row(name, *map(str, (*trained, *judged, *served, one.windows, one.alarms, *learned)))
    return table
