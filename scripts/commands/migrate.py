"""`relearn migrate`: creates the topics and tables of a namespace, and updates older ones to this version."""

from __future__ import annotations

import asyncio

import click


@click.command()
def migrate() -> None:
    """Create the topics and tables of this namespace, or update them to this version. Safe to run again."""
    from relearn.scripts.client.environment import load_settings  # noqa: PLC0415 - `--help` needs no Kafka client
    from relearn.scripts.client.migrations import run_migrations  # noqa: PLC0415

    for line in asyncio.run(run_migrations(load_settings())) or ["everything was there already"]:
        click.echo(line, err=True)
