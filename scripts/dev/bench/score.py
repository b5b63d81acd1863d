"""`relearn bench score`: the same work on single-record messages by three programs, in turn, in one run.

The work: read, decode, check, score 30 features, publish acknowledged predictions, commit. The programs: a plain Faust
agent (a message at a time), Relearn's chunked agent, and a bare confluent-kafka loop without Faust (Python's limit).
The chunked agent also scores records of 20 features: numbers as a JSON list, and 10 numbers and 10 categories by name.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined] # re-exports without __all__
from rich.console import Console
from rich.table import Table

from relearn.agents.kafka.config import librdkafka_config
from relearn.agents.stores.migrations import migrate
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name
from relearn.scripts.dev.bench.servers import scratch_directory, scratch_servers
from relearn.scripts.dev.bench.workload import FORMS, Form, messages_of
from relearn.scripts.embedded.processes.spawn import run_once

PROGRAMS = ("plain", "chunked", "raw")
#: Which program scores which form.
RUNS: tuple[tuple[str, Form], ...] = (
    *(("plain", form) for form in ("packed", "list")),
    *(("chunked", form) for form in FORMS),
    *(("raw", form) for form in ("packed", "list")),
)
PATIENCE_S = 300
_PROGRAMS = "relearn.scripts.dev.bench.score_programs"
console = Console(stderr=True)


@click.command()
@click.option("--records", default=200_000, show_default=True, help="Records for chunked and raw.")
@click.option("--plain-records", default=20_000, show_default=True, help="Records for the plain agent, which is slow.")
@click.option("--rounds", default=3, show_default=True, help="Rounds; the programs take turns in each.")
@click.option("--partitions", default=4, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Every round's figure as JSON on stdout.")
def score(records: int, plain_records: int, rounds: int, partitions: int, as_json: bool) -> None:
    """Single-record messages scored per second: plain Faust agent, chunked agent, raw confluent-kafka loop.

    The chunked agent also scores 20 numbers as a JSON list, and 10 numbers and 10 categories as a JSON map.
    """
    rates = asyncio.run(_measure(records, plain_records, rounds, partitions))
    if as_json:
        click.echo(json.dumps({f"{program}/{form}": found for (program, form), found in rates.items()}))
    else:
        Console().print(_table(rates))


async def _measure(
    records: int, plain_records: int, rounds: int, partitions: int
) -> dict[tuple[str, Form], list[float]]:
    rates: dict[tuple[str, Form], list[float]] = {run: [] for run in RUNS}
    with scratch_directory() as directory:
        async with scratch_servers(directory) as settings:
            for form in FORMS:
                await asyncio.to_thread(fill, settings, form, records, partitions)
            for round_number in range(rounds):
                for (program, form), found in rates.items():
                    count = plain_records if program == "plain" else records
                    took_s = await run_program(settings, program, form, count, round_number)
                    found.append(count / took_s)
                    console.print(f"round {round_number + 1}: {program:8} {form:7} {count / took_s:10,.0f} records/s")
    return rates


def fill(settings: Settings, form: Form, records: int, partitions: int) -> None:
    """Make the input topic of this form and its output topics, and send the records, one a message."""
    namespace = f"{settings.namespace}-{form}"
    topics = [topic_name(namespace, name) for name in ("ingest", "predictions", "dead-letters")]
    with AdminClient({**librdkafka_config(settings), "log_level": 0}) as admin:
        for future in admin.create_topics([NewTopic(topic, num_partitions=partitions) for topic in topics]).values():
            future.result()
    producer = Producer({**librdkafka_config(settings), "linger.ms": 20, "queue.buffering.max.messages": 1_000_000})
    values = messages_of(form, 1000)
    for i in range(records):
        producer.produce(topics[0], values[i % 1000], partition=i % partitions)
        if i % 1000 == 0:
            producer.poll(0)
    producer.flush()


async def run_program(settings: Settings, program: str, form: Form, count: int, round_number: int) -> float:
    """Seconds that a fresh process of `program` took from its first record to its last acknowledged prediction."""
    namespace = f"{settings.namespace}-{form}"
    group = f"{namespace}-{program}-{round_number}"
    await migrate(settings.model_copy(update={"namespace": group}))
    its_own = {"namespace": namespace, "data_dir": settings.data_dir / f"{program}{form}"}
    argv = (sys.executable, "-m", _PROGRAMS, program, settings.model_copy(update=its_own).model_dump_json())
    try:
        code, output = await asyncio.wait_for(run_once((*argv, form, str(count), group), Path.cwd()), PATIENCE_S)
    except TimeoutError:
        raise click.ClickException(f"{program} was not done after {PATIENCE_S} s") from None
    if code:
        raise click.ClickException(f"{program} ended with {code}:\n{output}")
    return float(output.split()[-1])


def _table(rates: Mapping[tuple[str, Form], Sequence[float]]) -> Table:
    table = Table(title="single-record messages of 30 features (numbers, mixed: 20), records/s, median of the rounds")
    for heading in ("program", *FORMS, "times plain"):
        table.add_column(heading, justify="left" if heading == "program" else "right")
    medians = {key: statistics.median(found) for key, found in rates.items()}
    for program in PROGRAMS:
        own = {form: medians[program, form] for form in FORMS if (program, form) in medians}
        ratios = " / ".join(
            f"{rate / medians['plain', form]:.1f}" for form, rate in own.items() if ("plain", form) in medians
        )
        table.add_row(program, *(f"{own[form]:,.0f}" if form in own else "" for form in FORMS), ratios)
    return table
