"""`relearn bench`: measures this machine, side by side in one run; the tests assert no timings, these print them."""

from __future__ import annotations

import click

from scripts.bench.api.command import api
from scripts.bench.events import events
from scripts.bench.latency import latency
from scripts.bench.loop.command import loop
from scripts.bench.policy.command import policy
from scripts.bench.score import score


@click.group()
def bench() -> None:
    """Measure this machine. Servers of its own are started in a temporary directory; nothing of yours is touched."""


bench.add_command(score)
bench.add_command(api)
bench.add_command(latency)
bench.add_command(policy)
bench.add_command(loop)
bench.add_command(events)
