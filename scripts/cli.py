"""The `relearn` command. Each verb lives in a module of its own, imported only when it is used."""

from __future__ import annotations

import importlib
import sys

import click

from relearn import __version__
from relearn.schemas.errors import RelearnError

VERBS = {
    "up": ("relearn.scripts.commands.up:up", "Run everything on this machine: servers, workers, the API."),
    "demo": ("relearn.scripts.demo:demo", "See it learn: a stream, a reviewer, better models, a checked summary."),
    "worker": (
        "relearn.scripts.commands.worker:worker",
        "Run one worker of a role: score, store, feedback or retrain.",
    ),
    "api": ("relearn.scripts.commands.api:api", "Answer over HTTP."),
    "key": ("relearn.scripts.commands.key:key", "Make, list and revoke keys of the HTTP API."),
    "migrate": ("relearn.scripts.commands.migrate:migrate", "Make the topics and tables of this namespace."),
    "signing-keys": ("relearn.scripts.commands.signing_keys:signing_keys", "Make the pair that signs models."),
    "status": ("relearn.scripts.commands.status:status", "What is up, lag per partition, model per worker."),
    "produce": ("relearn.scripts.commands.produce:produce", "Stream a data set or a CSV file to the ingest topic."),
    "review": ("relearn.scripts.commands.review:review", "Answer as a person would who knows the truth, more or less."),
    "model": (
        "relearn.scripts.commands.model:model",
        "Train models, choose which one answers, see what it learned from.",
    ),
    "job": ("relearn.scripts.commands.job:job", "List and show jobs."),
    "dlq": ("relearn.scripts.commands.dlq:dlq", "List, show and redrive dead letters."),
    "replay": ("relearn.scripts.commands.replay:replay_command", "Score stored predictions again under another model."),
    "bench": ("relearn.scripts.dev.bench:bench", "Measure this machine: score, latency."),
}


class Verbs(click.Group):
    """A group whose verbs are imported on use, so that `relearn --help` is instant."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module, _, attribute = VERBS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{module}:{attribute} is no click command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl([(name, help_line) for name, (_, help_line) in VERBS.items()])


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="relearn")
def relearn() -> None:
    """Score a Kafka stream with a linear SVM that people correct while it runs.

    Data goes to stdout, words to stderr. Settings are environment variables that begin with RELEARN_
    (docs/operations.md lists them); without any, every command finds what `relearn up` started.
    """


def main() -> None:
    """Entry point: errors of ours are one clear line and exit code 2; Ctrl-C is 130."""
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
    except RelearnError as exc:
        click.echo(f"relearn: {exc}", err=True)
        sys.exit(2)
