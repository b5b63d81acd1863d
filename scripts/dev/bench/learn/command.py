"""`relearn bench learn`: both scenes, one after the other; tables and bars, JSON, a chart."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

import click
from rich.console import Console

from relearn.schemas.messages.feedback import Via
from relearn.scripts.render.tables import stdout_console

if TYPE_CHECKING:
    from relearn.scripts.dev.bench.learn.scenes import Name

#: Not taken from `scenes`, which takes numpy: `--help` doesn't need it.
_SCENES = ("reviewer", "feed")


@click.command()
@click.option("--scene", type=click.Choice(_SCENES), help="Only this one.  [default: both]")
@click.option(
    "--minutes",
    type=click.FloatRange(0, min_open=True),
    help="How long each scene is played.  [default: as long as its bars need, 15 and 3]",
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Which records and reviews.")
@click.option(
    "--via", default="audit", show_default=True, type=click.Choice(get_args(Via)), help="What the feed's labels say."
)
@click.option("--json", "json_wanted", is_flag=True, help="Every look, decision and bar as JSON on stdout.")
@click.option("--svg", type=click.Path(path_type=Path, dir_okay=False), help="Draw the scenes into this file.")
def learn(
    *, scene: str | None, minutes: float | None, seed: int, via: str, json_wanted: bool, svg: Path | None
) -> None:
    """Does it keep learning? Accuracy over labels, beside scikit-learn trained on all labels that had come by then.

    reviewer: 3,000 records a second about 1,390 subjects that return (digits), and one reviewer who gives two labels a
    second from the review queue. feed: 1,000 records a second, none about a subject of before, and a program that
    publishes the outcome of half of them three seconds later. Both start from 60 labelled rows, with all settings
    default, and are judged by records that were never streamed. Exit code 1 where a bar isn't kept; a run shorter than
    a bar needs isn't judged by it. Ctrl-C ends the scene, and shows what there is.
    """
    from relearn.scripts.dev.bench.learn import chart, report  # noqa: PLC0415 - they take numpy
    from relearn.scripts.dev.bench.learn.run import Options, play  # noqa: PLC0415 - the same
    from relearn.scripts.dev.bench.learn.scenes import SCENES  # noqa: PLC0415 - the same

    stderr, stop, options = (
        Console(stderr=True, highlight=False, soft_wrap=True),
        threading.Event(),
        Options(minutes, seed, cast(Via, via)),
    )
    played = []
    for name in [cast("Name", scene)] if scene else SCENES:
        if not stop.is_set():
            played.append(asyncio.run(play(SCENES[name], options, stop, stderr.print)))
            if not json_wanted:
                report.print_scene(stdout_console(), played[-1])
    if json_wanted:
        click.echo(json.dumps({"scenes": [report.as_json(one) for one in played]}))
    if svg is not None:
        svg.write_text(chart.chart([report.plot(one) for one in played]), encoding="utf-8")
    if any(bar.kept is False for one in played for bar in one.bars):
        sys.exit(1)
