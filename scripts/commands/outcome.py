"""What commands of `relearn model` share: the wait for their job, and printing its result."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import click

from relearn.agents.stores.training.jobs import Job
from relearn.scripts.client.send_and_wait import Outcome
from relearn.scripts.render.jobs_models import outcome_lines

#: What is printed where Ctrl-C ends the wait for a command.
GOES_ON = "a command that was sent already goes on: `relearn job list` shows its job"


def timeout_option(default_s: float) -> Callable[[Any], Any]:
    """The option `--timeout`; the command gets it as `timeout_s`."""
    return click.option(
        "--timeout",
        "timeout_s",
        type=click.FloatRange(1),
        default=default_s,
        show_default=True,
        metavar="SECONDS",
        help="Maximum wait for the result.",
    )


def finish(outcome: Outcome, timeout_s: float, as_json: bool, *, then: str | None = None) -> None:
    """Print the result of a command and exit with 1 if it didn't take effect; print `then` if it did."""
    if as_json:
        click.echo(json.dumps(outcome.fields(), indent=2))
    else:
        for line in outcome_lines(outcome.job, outcome.model, outcome.workers):
            click.echo(line)
    message = _what_next(outcome.job, timeout_s) or (then if outcome.promoted else None)
    if message:
        click.echo(message, err=True)
    if not outcome.promoted:
        sys.exit(1)


def _what_next(job: Job | None, timeout_s: float) -> str | None:
    """The command that follows a job that hasn't ended."""
    if job is None:
        return f"no worker took the command within {timeout_s:g} s: is a retrain worker up? (`relearn status`)"
    follow = f"`relearn job show {job.id}` shows its progress"
    if job.state == "shadow":
        return (
            f"model {job.version} is not known to be better than the champion yet: it scores as a shadow"
            f" until reviews decide which of the two is right more often; {follow}"
        )
    return f"not done after {timeout_s:g} s; {follow}" if job.ended_at is None else None
