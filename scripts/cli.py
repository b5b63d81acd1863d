"""The `relearn` command. Each verb lives in a module of its own, imported only when it is used."""

from __future__ import annotations

import logging
import os
import sys

import click

from relearn import __version__
from relearn.schemas.errors import RelearnError, Unavailable
from relearn.scripts.lazy_group import LazyGroup

VERBS = {
    "up": ("relearn.scripts.commands.up:up", "Run everything on this machine: servers, workers, the API."),
    "demo": ("relearn.scripts.demo:demo", "Watch it learn: a stream, a reviewer, better models, a checked summary."),
    "worker": (
        "relearn.scripts.commands.worker:worker",
        "Run one worker of a role: score, store, feedback, retrain or results.",
    ),
    "api": ("relearn.scripts.commands.api:api", "Serve the HTTP API and the web page."),
    "key": ("relearn.scripts.commands.key:key", "Create, list and revoke keys of the HTTP API."),
    "migrate": (
        "relearn.scripts.commands.migrate:migrate",
        "Create or update a namespace's topics and tables.",
    ),
    "signing-keys": (
        "relearn.scripts.commands.signing_keys:signing_keys",
        "Create the key pair that signs and verifies models.",
    ),
    "env": ("relearn.scripts.commands.env:env", "Print the addresses and passwords of the servers of `up`."),
    "status": ("relearn.scripts.commands.status:status", "Show servers, API, lag per partition and model per worker."),
    "produce": ("relearn.scripts.commands.produce:produce", "Stream a data set or a CSV file to the ingest topic."),
    "review": ("relearn.scripts.commands.review:review", "Simulate a reviewer who knows the true labels."),
    "model": (
        "relearn.scripts.commands.model:model",
        "Train, list, activate, export and import models, and list their training examples.",
    ),
    "reviewer": ("relearn.scripts.commands.reviewer:reviewer", "List reviewers, and trust those without a limit."),
    "examples": ("relearn.scripts.commands.examples:examples", "List and withdraw loads of labelled examples."),
    "export": (
        "relearn.scripts.commands.export:export",
        "Write predictions, corrections or examples as CSV, newline-delimited JSON or Parquet.",
    ),
    "schema": ("relearn.scripts.commands.schema:schema", "Show, add and retire the features that records have."),
    "job": ("relearn.scripts.commands.job:job", "List and show jobs of the retrain role."),
    "dlq": ("relearn.scripts.commands.dlq:dlq", "List, show and redrive dead letters."),
    "replay": ("relearn.scripts.commands.replay:replay_command", "Score stored predictions again with another model."),
    "bench": ("relearn.scripts.dev.bench:bench", "Measure this machine: throughput, latency, the learning loop."),
}


@click.group(
    cls=LazyGroup, verbs=VERBS, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
@click.version_option(__version__, prog_name="relearn")
def relearn() -> None:
    """Score a Kafka stream with a linear SVM that people correct while it runs.

    Data goes to stdout, messages to stderr. Settings are environment variables that begin with RELEARN_
    (docs/operations.md lists them). Without any, every command finds the servers that `relearn up` started.
    """
    _log_warnings()


def _log_warnings() -> None:
    """Log warnings and errors to stderr. structlog's default would print debug lines of the clients to stdout.

    `worker` and `api` set up their own logging after this.
    """
    import structlog  # noqa: PLC0415 - `--help` needs no log

    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def main() -> None:
    """Entry point: a RelearnError or a driver's error is one line on stderr and exit code 2; Ctrl-C is 130."""
    try:
        relearn.main(standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("stopped", err=True)
        sys.exit(130)
    except click.exceptions.Exit as exc:
        sys.exit(exc.exit_code)
    except click.ClickException as exc:
        exc.show()
        sys.exit(exc.exit_code)
    except BrokenPipeError:
        # The reader of stdout, such as `head`, has ended. Python would report the same error again at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as exc:
        line = one_line(exc)
        if line is None:
            raise
        click.echo(f"relearn: {line}{is_up_running(exc, line)}", err=True)
        sys.exit(2)


def is_up_running(exc: BaseException, line: str) -> str:
    """A question where one of the servers of `up` doesn't answer, and no others are set."""
    from relearn.schemas.settings import PREFIX  # noqa: PLC0415 - imports pydantic

    named = any(os.environ.get(PREFIX + name) for name in ("KAFKA_BROKERS", "POSTGRES_DSN", "REDIS_URL"))
    if named or not isinstance(exc, Unavailable) or "relearn up" in line:
        return ""
    return "; is `relearn up` running, with the same RELEARN_DATA_DIR?"


def one_line(exc: BaseException) -> str | None:
    """The error as a line for people; None for a defect of this program, which deserves its traceback."""
    if isinstance(exc, RelearnError):
        return str(exc)
    if isinstance(exc, BaseExceptionGroup):
        lines = [one_line(one) for one in exc.exceptions]
        return None if None in lines else lines[0]
    from relearn.agents.driver_errors.line import driver_line  # noqa: PLC0415 - imports all drivers

    return driver_line(exc)
