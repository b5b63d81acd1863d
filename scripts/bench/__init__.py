"""`relearn bench`: measures this machine, side by side in one run; the tests assert no timings, these print them."""

from __future__ import annotations

import click

from relearn.scripts.bench.api.command import api
from relearn.scripts.bench.events import events
from relearn.scripts.bench.latency import latency
from relearn.scripts.bench.loop.command import loop
from relearn.scripts.bench.policy.command import policy
from relearn.scripts.bench.score import score


@click.group()
def bench() -> None:
    """Measure this machine. Servers of its own are started in a temporary directory; nothing of yours is touched."""


bench.add_command(score)
bench.add_command(api)
bench.add_command(latency)
bench.add_command(policy)
bench.add_command(loop)
bench.add_command(events)
