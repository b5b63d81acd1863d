"""`relearn migrate`: make the topics and tables of a namespace, and bring older ones to this version."""

from __future__ import annotations

import asyncio

import click

from relearn.scripts.client.environment import load_settings
from relearn.scripts.client.migrations import run_migrations


@click.command()
def migrate() -> None:
    """Make the topics and tables of this namespace. Safe to run again."""
    for line in asyncio.run(run_migrations(load_settings())) or ["everything was there already"]:
        click.echo(line, err=True)
