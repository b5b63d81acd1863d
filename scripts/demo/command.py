"""`relearn demo`: the options, and the exit code."""

from __future__ import annotations

import sys

import click


@click.command()
@click.option(
    "--dataset",
    "source",
    default="digits",
    show_default=True,
    metavar="DATASET|FILE",
    help="digits, breast_cancer, wine, orders or letters (made up: categories, gaps, texts), or a file.",
)
@click.option("--label", metavar="COLUMN", help="The label column of a file, by name or by number from 1.")
@click.option("--drift", is_flag=True, help="Shift six readings during the stream.")
@click.option("--rows", default=60, show_default=True, type=click.IntRange(10), help="Labelled rows to train on.")
@click.option("--rate", default=500.0, show_default=True, type=click.FloatRange(1, 20_000), help="Records per second.")
@click.option(
    "--seconds", default=180.0, show_default=True, type=click.FloatRange(1), help="Maximum duration of the stream."
)
@click.option("--seed", default=0, show_default=True, help="Chooses the training rows, the noise and the shift.")
@click.option("--exit", "leave", is_flag=True, help="Exit after the summary: 0 if the demo succeeded, else 1.")
def demo(**options: object) -> None:
    """Run everything and watch it learn: servers, a first model, a stream, a reviewer, better models.

    With `--dataset breast_cancer --drift`, the readings shift during the stream, and a new model learns the shift. Data
    other than digits has a namespace of its own, unless RELEARN_NAMESPACE is set.

    The demo succeeds if every count agrees, all score workers serve the same model, and a better model was promoted.
    The last is not required if the first champion had learned from reviews in an earlier run.
    """
    from relearn.scripts.demo.checks.result import Result  # noqa: PLC0415 - `--help` needs none of these
    from relearn.scripts.demo.display.console import DemoConsole  # noqa: PLC0415
    from relearn.scripts.demo.options import DemoOptions  # noqa: PLC0415
    from relearn.scripts.demo.run import run_demo  # noqa: PLC0415
    from relearn.scripts.embedded.processes import signals  # noqa: PLC0415

    results: list[Result] = []
    completed = signals.run(run_demo(DemoOptions(**options), DemoConsole(), results))  # type: ignore[arg-type]
    if not results and not completed:
        sys.exit(130)
    sys.exit(0 if results and results[0].succeeded else 1)
