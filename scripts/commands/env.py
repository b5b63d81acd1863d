"""`relearn env`: the addresses and passwords of the servers that `relearn up` runs, for other programs."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import click

from relearn.schemas.errors import Refused
from relearn.schemas.settings import PREFIX
from relearn.scripts.client.environment import SERVERS_FILE, read_servers
from relearn.scripts.embedded.servers.secrets import POSTGRES_OWNER_DSN


@click.command()
@click.option("--owner", is_flag=True, help="Also the address of Postgres' owner role, which only migrations need.")
def env(owner: bool) -> None:
    """Print the settings of the servers that `relearn up` runs here, as export lines with their passwords.

    For a shell: eval "$(relearn env)". Commands of relearn read the settings by themselves.
    """
    data_dir = Path(os.environ.get(PREFIX + "DATA_DIR") or ".relearn").absolute()
    found = read_servers(data_dir)
    if not found:
        raise Refused(f"there is no {SERVERS_FILE} in {data_dir}: start `relearn up`, or set RELEARN_DATA_DIR")
    if not owner:
        found.pop(POSTGRES_OWNER_DSN, None)
    for name, value in {PREFIX + "DATA_DIR": str(data_dir), **found}.items():
        click.echo(f"export {name}={shlex.quote(value)}")
