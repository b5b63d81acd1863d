"""`relearn dlq`: lists and redrives dead letters, and ends a pause of the score role."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from relearn.agents.dead_letters.redrive import Redriven, sendable
from relearn.agents.dead_letters.redrive import redrive as send_again
from relearn.agents.dead_letters.redriven_message import place_of
from relearn.agents.dead_letters.render import as_json, as_text, cut_facts, printable
from relearn.agents.kafka.limits import MessageLimits
from relearn.agents.kafka.producer import KafkaProducer
from relearn.agents.kafka.topics import admin_client, topic_id
from relearn.agents.stores.dead_letters import DeadLetterRow, get_dead_letter, list_dead_letters, open_ids, original_of
from relearn.agents.stores.live.heartbeats import read_workers
from relearn.agents.stores.pauses import AGENT, Pause, end_pauses
from relearn.agents.stores.postgres import Pool
from relearn.agents.stores.redis import open_redis
from relearn.schemas.errors import RedisUnavailable, Refused
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name
from relearn.scripts.client.environment import load_settings
from relearn.scripts.client.query import with_pool
from relearn.scripts.render.tables import plain_table, stdout_console

#: Maximum wait for the broker's acknowledgement.
GIVE_UP_S = 20.0


@click.group()
def dlq() -> None:
    """Dead letters: records that could not be used, each with its reason. Fix the cause and redrive them."""


@dlq.command("list")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1))
@click.option("--reason", help="Only dead letters with this reason, such as dimension.")
@click.option("--open", "open_only", is_flag=True, help="Only dead letters that were not redriven.")
@click.option("--json", "json_wanted", is_flag=True, help="As JSON.")
def list_(limit: int, reason: str | None, open_only: bool, json_wanted: bool) -> None:
    """List dead letters, the newest first."""
    rows = with_pool(lambda pool: list_dead_letters(pool, limit=limit, reason=reason, is_open=open_only or None))
    if json_wanted:
        click.echo(json.dumps([_facts(row) for row in rows], indent=2))
    elif rows:
        stdout_console().print(_table(rows))
    else:
        click.echo("no dead letters", err=True)


@dlq.command()
@click.argument("letter_id", metavar="ID", type=int)
@click.option("--json", "json_wanted", is_flag=True, help="As JSON, with the original value.")
def show(letter_id: int, json_wanted: bool) -> None:
    """Show one dead letter: its reason, and the original message as far as it can be decoded."""

    async def find(pool: Pool) -> Any:
        row = await get_dead_letter(pool, letter_id)
        return (row, await original_of(pool, row)) if row is not None else (None, None)

    row, original = with_pool(find)
    if row is None or original is None:
        raise Refused(f"there is no dead letter {letter_id}")
    cut = None if original.cut is None else cut_facts(original.cut)
    facts = {**_facts(row), "headers": dict(original.headers), **({} if cut is None else {"cut": cut})}
    if json_wanted:
        key = None if original.key is None else original.key.decode("utf-8", "backslashreplace")
        value = as_json(original.value, row.index, row.reason)
        click.echo(json.dumps({**facts, "key": key, "value": value}, indent=2, ensure_ascii=False))
        return
    for name, fact in facts.items():
        for line in (
            [f"{k}: {v}" for k, v in fact.items()] if isinstance(fact, dict) else ["-" if fact is None else fact]
        ):
            click.echo(f"{name:<12} {printable(str(line))}")
    if cut is not None:
        click.echo(
            f"this letter holds a part of its message, the first {len(original.value or b''):,} bytes of the value; "
            f"redriving reads the message from {row.topic}, partition {row.partition}, offset {row.offset}"
        )
    click.echo(as_text(original.value, row.index, row.reason))


@dlq.command()
@click.argument("letter_ids", metavar="[ID]…", nargs=-1, type=int)
@click.option("--all", "everything", is_flag=True, help="All dead letters that were not redriven yet.")
@click.option("--reason", help="With --all: only dead letters with this reason.")
@click.option("--yes", is_flag=True, help="Skip the confirmation.")
def redrive(letter_ids: tuple[int, ...], everything: bool, reason: str | None, yes: bool) -> None:
    """Send the record of each dead letter again, alone, to the topic that it came from."""
    if bool(letter_ids) == everything:
        raise click.UsageError("name dead letters by their ids, or --all")

    async def choose(pool: Pool) -> list[int]:
        if everything:
            return await open_ids(pool, reason=reason)
        for letter_id in letter_ids:
            sendable(await get_dead_letter(pool, letter_id), letter_id)
        return sorted(set(letter_ids))

    ids = with_pool(choose)
    if not ids:
        click.echo("no dead letters to send again", err=True)
        return
    if everything and not yes:
        click.confirm(f"Send {len(ids):,} records again?", abort=True, err=True)
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("records", total=len(ids))
        done = with_pool(lambda pool: _send(pool, ids, lambda n: bar.update(task, completed=n)), connections=2)
    for letter_id, error in done.refused:
        click.echo(f"dead letter {letter_id} was refused: {error}", err=True)
    tried = len(ids) - len(done.refused)
    sent = "1 record" if tried == 1 else f"{tried:,} records"
    click.echo(f"{sent} sent again, {done.acknowledged:,} acknowledged by the broker", err=True)
    sys.exit(1 if done.refused else 0)


@dlq.command()
def resume() -> None:
    """Resume the score role after a pause because of too many bad records."""

    async def end(pool: Pool) -> tuple[list[Pause], int | None]:
        paused = await _paused_workers(load_settings())
        return await end_pauses(pool), paused

    ended, paused = with_pool(end)
    for pause in ended:
        role = f"{pause.agent} role" if paused is None else f"{pause.agent} role ({paused} workers)"
        click.echo(f"resumed the {role}, paused since {pause.paused_at:%Y-%m-%d %H:%M:%S}: {pause.reason}", err=True)
    if not ended:
        click.echo("nothing is paused", err=True)


async def _send(pool: Pool, ids: list[int], on_progress: Callable[[int], None]) -> Redriven:
    settings = load_settings()
    with admin_client(settings) as admin:
        await topic_id(admin, topic_name(settings.namespace, "ingest"))
    producer = KafkaProducer(settings, f"{settings.namespace}-dlq", give_up_s=GIVE_UP_S)
    limits = MessageLimits(settings)
    try:
        return await send_again(settings, pool, producer, limits, ids, on_progress=on_progress)
    finally:
        limits.close()
        await producer.close()


async def _paused_workers(settings: Settings) -> int | None:
    """The number of paused workers; None if Redis is unavailable."""
    redis = open_redis(settings)
    try:
        workers = await read_workers(redis, settings.namespace)
    except RedisUnavailable:
        return None
    finally:
        await redis.aclose()
    return sum(1 for worker in workers if worker["role"] == AGENT and worker["condition"].startswith("paused"))


def _facts(row: DeadLetterRow) -> dict[str, Any]:
    facts = asdict(row) | {"place": str(place_of(row))}
    return facts | {
        name: time and time.isoformat() for name, time in (("at", row.at), ("redriven_at", row.redriven_at))
    }


def _table(rows: list[DeadLetterRow]) -> Table:
    table = plain_table("id", "at", "place", "reason", "error", flowing=["error"])
    for row in rows:
        style = "dim" if row.redriven_at else None
        error = f"redriven; {row.error}" if row.redriven_at else row.error
        cells = (str(row.id), f"{row.at:%m-%d %H:%M:%S}", str(place_of(row)), row.reason, error)
        table.add_row(*(Text(printable(cell)) for cell in cells), style=style)
    return table
