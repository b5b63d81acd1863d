"""`relearn bench`: measures this machine, side by side in one run; the tests assert no timings, these print them."""

from __future__ import annotations

import click

from relearn.scripts.dev.bench.api.command import api
from relearn.scripts.dev.bench.events import events
from relearn.scripts.dev.bench.latency import latency
from relearn.scripts.dev.bench.loop.command import loop
from relearn.scripts.dev.bench.policy.command import policy
from relearn.scripts.dev.bench.score import score


@click.group()
def bench() -> None:
    """Measure this machine. Servers of its own are started in a temporary directory; nothing of yours is touched."""


bench.add_command(score)
bench.add_command(api)
bench.add_command(latency)
bench.add_command(policy)
bench.add_command(loop)
bench.add_command(events)
