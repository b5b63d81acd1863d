"""`relearn worker ROLE`: one worker process."""

from __future__ import annotations

import signal
import sys

import click

#: The names in `relearn.agents.worker.main.ROLES`, which imports Faust.
ROLES = ("score", "store", "feedback", "retrain", "results")


def _end(*_: object) -> None:
    """SIGTERM before the worker has begun to work."""
    sys.exit(0)


@click.command()
@click.argument("role", type=click.Choice(ROLES))
@click.option(
    "--id",
    "worker_id",
    metavar="NAME",
    help="A unique and stable name, such as score-1. "
    "A worker that is killed and restarted with its name gets its partitions back within seconds.",
)
def worker(role: str, worker_id: str | None) -> None:
    """Run one worker of ROLE until Ctrl-C or SIGTERM. Up to one worker per partition shares the load of a role."""
    signal.signal(signal.SIGTERM, _end)
    from relearn.agents.worker.main import run_worker  # noqa: PLC0415 - imports Faust
    from relearn.scripts.client.environment import load_settings  # noqa: PLC0415
    from relearn.scripts.client.private_files import private_umask  # noqa: PLC0415

    with private_umask():  # for what it writes to the data directory
        sys.exit(run_worker(load_settings(), role, worker_id))
