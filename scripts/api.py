"""`relearn api`: the HTTP API."""

from __future__ import annotations

import click

from api.serve import run
from scripts.environment import load_settings


@click.command()
def api() -> None:
    """Answer over HTTP until Ctrl-C or SIGTERM (RELEARN_API_HOST, RELEARN_API_PORT; docs at /docs)."""
    run(load_settings())
