"""`relearn bench loop`: rounds of corrections on the whole of Relearn, each until a better model is live everywhere."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import click
from rich.console import Console

from relearn.agents.stores.postgres import Pool, open_pool
from relearn.schemas.features import numbers_alone
from relearn.schemas.settings import PREFIX, Settings
from relearn.scripts.data.bootstrap import train_on
from relearn.scripts.data.datasets import Dataset
from relearn.scripts.dev.bench.loop.background import background, scoring_waits
from relearn.scripts.dev.bench.loop.concept import Clusters
from relearn.scripts.dev.bench.loop.feedback_sender import Way
from relearn.scripts.dev.bench.loop.figures import Found, as_json, print_tables
from relearn.scripts.dev.bench.loop.known_labels import label_known
from relearn.scripts.dev.bench.loop.rounds import PATIENCE_S, NeverLive, Rounds
from relearn.scripts.dev.bench.servers import scratch_directory
from relearn.scripts.dev.bench.workload import FEATURES
from relearn.scripts.embedded.stack import Stack, running
from relearn.scripts.render.progress import bar
from relearn.scripts.render.tables import stdout_console

#: Silence first: it needs a stream without other unreviewed records, and the background sends only such records.
WAYS: tuple[Way, ...] = ("silence", "evidence")
BOOTSTRAP = 20
#: The background streams alone before each round of evidence: scoring without training is measured in between.
ALONE_S = 3.0
SETTINGS = {"NAMESPACE": "bench", "RETRAIN_COOLDOWN_S": "0"}
console = Console(stderr=True, highlight=False)


@click.command()
@click.option("--rounds", default=30, show_default=True, type=click.IntRange(1), help="Rounds of each kind.")
@click.option("--rate", default=1_000, show_default=True, type=click.IntRange(1), help="The background's records/s.")
@click.option("--known", default=0, show_default=True, type=click.IntRange(0), help="Labels before the first round.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Which records and concepts.")
@click.option("--json", "json_wanted", is_flag=True, help="Every round and every figure as JSON on stdout.")
def loop(*, rounds: int, rate: int, known: int, seed: int, json_wanted: bool) -> None:
    """Last correction → better model live on every process: two score workers, one of each other role.

    Each round turns the concept, so that the champion has 90 of 200 new records wrong. In the rounds of silence,
    volunteers correct these 90 and say nothing else; in those of evidence every record is audited, and a steady stream
    of other records shows what training costs scoring. All settings are the default, but for the cooldown, which is
    0 s: rounds follow one another at once. Labels that are known before are of records of a third class, which each
    training learns again. Exit code 1 where no better model is live within 60 s.
    """
    found = asyncio.run(_measure(rounds, rate, known, seed))
    if json_wanted:
        click.echo(json.dumps(as_json(found, WAYS)))
    else:
        print_tables(stdout_console(), found, WAYS)
    if found.failure is not None:
        sys.exit(1)


async def _measure(rounds: int, rate: int, known: int, seed: int) -> Found:
    clusters, found = Clusters.seeded(seed), Found(load=[os.getloadavg()[0]])
    with scratch_directory() as directory:
        plain = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        given = {PREFIX + name: value for name, value in {**SETTINGS, "DATA_DIR": str(directory)}.items()}
        console.print("starting Kafka, Postgres, Valkey and five workers; RELEARN_RETRAIN_COOLDOWN_S=0, else defaults")
        async with running({**plain, **given}) as stack:
            pool = await open_pool(stack.settings)
            try:
                await _first_champion(stack.settings, clusters)
                if known:
                    await label_known(stack.settings, pool, clusters, known)
                player = Rounds(stack.settings, pool, clusters, _logs(stack))
                await _play(player, "silence", rounds, found, pause_s=0.0)
                async with _background(stack.settings, clusters, rate):
                    await _evidence(player, pool, rounds, found)
            except NeverLive as exc:
                found.failure = str(exc)
            finally:
                pool.terminate()
    found.load.append(os.getloadavg()[0])
    return found


def _logs(stack: Stack) -> list[Path]:
    """Of the processes that hold a model."""
    holders = [name for name in stack.workers if name.startswith(("score-", "retrain-"))]
    return [stack.settings.data_dir / "logs" / f"{name}.log" for name in holders]


async def _first_champion(settings: Settings, clusters: Clusters) -> None:
    """Raises NeverLive: there is none."""
    features, labels = clusters.records(BOOTSTRAP, 0)
    names = tuple(f"x{i + 1}" for i in range(FEATURES))
    subjects = tuple(f"bootstrap-{i}" for i in range(BOOTSTRAP))
    dataset = Dataset("bench", numbers_alone(names), features, tuple(labels), subjects)
    outcome = await train_on(settings, dataset, timeout_s=PATIENCE_S)
    if not outcome.promoted:
        raise NeverLive(f"the first model was not promoted: {outcome.job}")


async def _evidence(player: Rounds, pool: Pool, rounds: int, found: Found) -> None:
    began_s = time.time()
    try:
        await _play(player, "evidence", rounds, found, pause_s=ALONE_S)
    finally:
        trainings = [(one.started_s, one.ended_s) for one in found.of("evidence")]
        found.waits = await scoring_waits(pool, trainings, began_s, time.time())


async def _play(player: Rounds, way: Way, rounds: int, found: Found, *, pause_s: float) -> None:
    with bar(rounds, f"rounds of {way}") as show:
        for number in range(1, rounds + 1):
            await asyncio.sleep(pause_s)
            found.rounds.append(await player.play(way, number))
            show(number)


@asynccontextmanager
async def _background(settings: Settings, clusters: Clusters, rate: int) -> AsyncIterator[None]:
    """The stream, while the block runs."""
    features, _ = clusters.records(1000, 0)
    stream = background(settings, features)
    stream.start(rate)
    try:
        yield
    finally:
        await asyncio.to_thread(stream.stop)
