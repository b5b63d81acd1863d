"""`relearn status`: servers, API, lag per partition, and the model of each worker."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress

import click
from rich.live import Live

from relearn.schemas.settings import Settings
from relearn.scripts.client.condition import read_condition
from relearn.scripts.client.environment import load_settings
from relearn.scripts.render.status import page
from relearn.scripts.render.tables import stdout_console

EVERY_S = 1.0


@click.command()
@click.option("--json", "json_wanted", is_flag=True, help="As JSON; with --watch, one line per second.")
@click.option("--watch", is_flag=True, help="Refresh every second, until Ctrl-C.")
def status(json_wanted: bool, watch: bool) -> None:
    """Show servers, API, lag per partition and model per worker.

    The exit code is 1 if anything is down, or a worker waits until the deployment is changed.
    """
    settings = load_settings()
    if watch:
        with suppress(KeyboardInterrupt):
            asyncio.run(_watch(settings, json_wanted))
        return
    condition = asyncio.run(read_condition(settings))
    if json_wanted:
        click.echo(json.dumps(condition, indent=2))
    else:
        stdout_console().print(page(condition))
    sys.exit(0 if condition["up"] else 1)


async def _watch(settings: Settings, json_wanted: bool) -> None:
    console = stdout_console()
    if json_wanted or not console.is_terminal:
        while True:
            condition = await read_condition(settings)
            if json_wanted:
                click.echo(json.dumps(condition))
            else:
                console.print(page(condition))
            await asyncio.sleep(EVERY_S)
    with Live(console=console, auto_refresh=False) as live:
        while True:
            live.update(page(await read_condition(settings)), refresh=True)
            await asyncio.sleep(EVERY_S)
