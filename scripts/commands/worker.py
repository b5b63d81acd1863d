"""`relearn worker ROLE`: one worker process."""

from __future__ import annotations

import sys

import click

from relearn.agents.worker.main import ROLES, run_worker
from relearn.scripts.client.environment import load_settings


@click.command()
@click.argument("role", type=click.Choice(list(ROLES)))
@click.option(
    "--id",
    "worker_id",
    metavar="NAME",
    help="A name that stays the same from start to start and that no other worker has, such as score-1: "
    "a worker killed and started again under it takes up where it was within seconds.",
)
def worker(role: str, worker_id: str | None) -> None:
    """Run one worker of ROLE until Ctrl-C or SIGTERM. Start as many as there are partitions to share."""
    sys.exit(run_worker(load_settings(), role, worker_id))
