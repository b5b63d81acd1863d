"""`relearn bench api`: requests per second and latency; predictions beside FastAPI and MLServer."""

from __future__ import annotations

import asyncio
import json
import os
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from statistics import median

import click
import numpy as np
import uvloop
from rich.console import Console

from relearn.scripts.dev.bench.api import rivals
from relearn.scripts.dev.bench.api.load import Answers, Request, load
from relearn.scripts.dev.bench.api.setup import asked, serving, tensor
from relearn.scripts.dev.bench.servers import scratch_directory
from relearn.scripts.dev.bench.workload import FEATURES, model
from relearn.scripts.embedded.servers import ports
from relearn.scripts.render.tables import plain_table, stdout_console

#: One prediction by its id at half the load that it can bear.
HALF = "GET one prediction, half load"
_WARM_UP_S = 1.0
console = Console(stderr=True, highlight=False)


@dataclass(frozen=True, slots=True)
class Target:
    """A request to a server that listens at `port`."""

    port: int
    request: Request


@click.command()
@click.option("--seconds", default=4.0, show_default=True, type=click.FloatRange(0.1), help="Per figure and round.")
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1), help="Rounds; medians are printed.")
@click.option("--connections", default=16, show_default=True, type=click.IntRange(1), help="Open connections.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1), help="Processes of the API.")
@click.option("--rivals/--no-rivals", "beside", default=True, help="Predict with FastAPI and MLServer as well.")
@click.option("--json", "json_wanted", is_flag=True, help="As JSON on stdout.")
def api(*, seconds: float, rounds: int, connections: int, workers: int, beside: bool, json_wanted: bool) -> None:
    """Measure the HTTP API: one process, on servers of its own with 100,000 stored predictions.

    The load comes from this process, on the same machine: as many requests as the server answers, over connections
    that stay open. The others are installed on first use, in the user's cache directory.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(_measure(seconds, rounds, connections, workers, beside))
    if json_wanted:
        click.echo(
            json.dumps({"load": os.getloadavg()[0], "figures": {name: asdict(one) for name, one in found.items()}})
        )
        return
    table = plain_table("", "requests/s", "p50 ms", "p99 ms")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, one in found.items():
        table.add_row(name, f"{one.per_s:,.0f}", f"{one.p50_ms:.2f}", f"{one.p99_ms:.2f}")
    stdout_console().print(table)


async def _measure(seconds: float, rounds: int, connections: int, workers: int, beside: bool) -> dict[str, Answers]:
    found: dict[str, list[Answers]] = defaultdict(list)
    async with _targets(workers, beside) as targets:
        for number in range(rounds):
            for name, target in targets.items():
                console.print(f"round {number + 1} of {rounds}: {name}")
                await load(target.port, target.request, connections=connections, seconds=_WARM_UP_S)
                figures = await load(target.port, target.request, connections=connections, seconds=seconds)
                found[name].append(figures)
        first = next(iter(targets))
        half = median(one.per_s for one in found[first]) / 2
        for _ in range(rounds):
            target = targets[first]
            some = await load(target.port, target.request, connections=connections, seconds=seconds, per_s=half)
            found[HALF].append(some)
    return {name: _median(some) for name, some in found.items()}


@asynccontextmanager
async def _targets(workers: int, beside: bool) -> AsyncIterator[dict[str, Target]]:
    """Everything that is measured, up while the block runs."""
    with scratch_directory() as directory:
        async with AsyncExitStack() as stack:
            console.print("starting Kafka, Postgres, Valkey and the API; storing 100,000 predictions")
            port = await stack.enter_async_context(serving(directory, workers))
            targets = {name: Target(port, request) for name, request in asked().items()}
            if beside:
                console.print("starting FastAPI on uvicorn, and MLServer")
                rows = np.random.default_rng(1).normal(size=(1_000, FEATURES)).tolist()
                one, two = ports.choose(28_100, taken=[]), ports.choose(28_200, taken=[])
                await stack.enter_async_context(rivals.fastapi(directory, one, model().model))
                await stack.enter_async_context(rivals.mlserver(directory, two, FEATURES))
                for n, some in (("1", rows[:1]), ("1,000", rows)):
                    body = json.dumps({"features": some}, separators=(",", ":")).encode()
                    infer = Request.of("POST", "/v2/models/svm/infer", tensor("predict", some))
                    targets[f"FastAPI predict {n}"] = Target(one, Request.of("POST", "/predict", body))
                    targets[f"MLServer v2 infer {n}"] = Target(two, infer)
            yield targets


def _median(some: list[Answers]) -> Answers:
    middle = (median(getattr(one, name) for one in some) for name in ("per_s", "p50_ms", "p99_ms"))
    return Answers(sum(one.count for one in some), *middle)
