"""`relearn migrate`: creates the topics and tables of a namespace, and updates older ones to this version."""

from __future__ import annotations

import asyncio

import click


@click.command()
def migrate() -> None:
    """Create the topics and tables of this namespace, or change them to fit this version. Safe to run again.

    All servers are compared with what Relearn needs. What can't be changed without loss is refused: exit code 2.
    """
    from relearn.scripts.client.environment import load_settings  # noqa: PLC0415 - `--help` needs no Kafka client
    from relearn.scripts.client.migrations import run_migrations  # noqa: PLC0415

    if not asyncio.run(run_migrations(load_settings(), lambda line: click.echo(line, err=True))):
        click.echo("everything fits already", err=True)
