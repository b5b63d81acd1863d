"""`relearn api`: the HTTP API, in one process or several."""

from __future__ import annotations

import asyncio
import socket
import sys

import click


@click.command()
@click.option("--host", help="The address to listen on; overrides RELEARN_API_HOST.")
@click.option("--port", type=click.IntRange(1, 65535), help="Overrides RELEARN_API_PORT.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="The number of processes.")
@click.option("--share", nargs=2, hidden=True, help="One of several: its number, and its sockets' numbers.")
def api(host: str | None, port: int | None, workers: int, share: tuple[str, str] | None) -> None:
    """Serve the HTTP API and the web page until Ctrl-C or SIGTERM. /docs has the API's documentation."""
    from relearn.scripts.client.environment import load_settings  # noqa: PLC0415 - `--help` needs no settings

    wanted = {"api_host": host, "api_port": port}
    settings = load_settings().model_copy(update={name: value for name, value in wanted.items() if value})
    if workers > 1:
        from relearn.scripts.embedded.api_pool import run_several  # noqa: PLC0415 - the parent serves nothing

        sys.exit(asyncio.run(run_several(settings, workers)))
    from relearn.api.server.serve import Share, run  # noqa: PLC0415

    mine = None if share is None else Share(share[0], [socket.socket(fileno=int(fd)) for fd in share[1].split(",")])
    sys.exit(run(settings, mine))
