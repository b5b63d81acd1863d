"""`relearn up`: everything on this machine, until Ctrl-C."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

import click

from relearn.schemas.settings import PREFIX, read_settings
from relearn.scripts.client.condition import without_password
from relearn.scripts.embedded import stack
from relearn.scripts.embedded.data_dir import DATA_DIR, OURS, data_dir_of, only_one, stop_leftovers
from relearn.scripts.embedded.processes import signals
from relearn.scripts.embedded.report import Report
from relearn.scripts.embedded.servers.local import SETTING

_OPEN_API = "            until an API key exists (relearn key create), every user of this machine may use it"


@click.command()
@click.option("--score", default=2, show_default=True, type=click.IntRange(0, 64), help="The number of score workers.")
@click.option("--store", default=1, show_default=True, type=click.IntRange(0, 64), help="The number of store workers.")
@click.option(
    "--results",
    type=click.IntRange(1, 64),
    help="The number of workers that send results; needs RELEARN_RESULTS.  [default: 1, if results are sent]",
)
@click.option("--reset", is_flag=True, help="Delete the data of earlier starts first, after a confirmation.")
@click.option("--yes", is_flag=True, help="Skip the confirmation.")
@click.option("--api/--no-api", default=True, show_default=True, help="Run the HTTP API.")
@click.option("--registry", is_flag=True, help="Run a schema registry (Apicurio), fetched at the first start.")
@click.option("--servers-only", is_flag=True, help="No workers and no API.")
def up(
    *,
    score: int,
    store: int,
    results: int | None,
    reset: bool,
    yes: bool,
    api: bool,
    registry: bool,
    servers_only: bool,
) -> None:
    """Run everything on this machine: Kafka, Postgres, Valkey, the workers and the API. Ctrl-C stops everything."""
    report = Report()
    if reset:
        _reset(data_dir_of(os.environ), yes)
    sent = read_settings(os.environ).results != "off"
    if results and not sent:
        raise click.UsageError("--results needs RELEARN_RESULTS=json or avro: they are off.")
    roles = {"score": score, "store": store, "feedback": 1, "retrain": 1, "results": results or int(sent)}
    wanted = dict.fromkeys(roles, 0) if servers_only else roles
    try:
        signals.run(_up(dict(os.environ), wanted, api and not servers_only, registry, report))
    finally:
        report.close()


async def _up(
    environment: Mapping[str, str], workers: Mapping[str, int], api: bool, registry: bool, report: Report
) -> None:
    async with stack.running(environment, **workers, api=api, registry=registry, on_event=report) as now_up:
        report.console.print("\n".join(what_is_up(now_up)), markup=False)
        await asyncio.Event().wait()


def what_is_up(now_up: stack.Stack) -> list[str]:
    """The addresses of everything, and the commands that another terminal may begin with."""
    settings = now_up.settings
    addresses = {
        "kafka": ",".join(settings.kafka_brokers)
        + ", without a password: every user of this machine can read and send records",
        "postgres": f"{without_password(settings.postgres_dsn)}, password in `relearn env`",
        "valkey": f"{without_password(settings.redis_url)}, password in `relearn env`",
    }
    here = [f"  {name:<9} {addresses[name]}" for name in SETTING if name in now_up.embedded]
    elsewhere = [f"  {name:<9} as in {SETTING[name]}" for name in SETTING if name not in now_up.embedded]
    if settings.schema_registry_url:
        elsewhere.append(f"  registry  {without_password(settings.schema_registry_url)}")
    workers = [f"  workers   {' '.join(now_up.workers)}"] if now_up.workers else []
    served = [f"  api       {now_up.api}, with its documentation at /docs", _OPEN_API] if now_up.api else []
    chosen = {name: os.environ[name] for name in (DATA_DIR, PREFIX + "NAMESPACE") if os.environ.get(name)}
    exports = [f"  export {name}={shlex.quote(value)}" for name, value in chosen.items()]
    return [
        "",
        "Relearn is up. Ctrl-C stops it; stored data stays.",
        *here,
        *elsewhere,
        *workers,
        *served,
        f"  data      {settings.data_dir}",
        "",
        "Next, in another terminal here:",
        *exports,
        "  relearn status                                what is up, lag, models",
        "  relearn model train --data digits --rows 60   a first model: scoring starts with it",
        "  relearn produce digits --rate 200             a stream of records",
        "  relearn review --oracle digits --rate 20      a reviewer: its answers are learned",
        "",
    ]


def _reset(data_dir: Path, yes: bool) -> None:
    found = [data_dir / name for name in OURS if (data_dir / name).exists()]
    if not found:
        return
    if not yes:
        click.confirm(f"Delete all records, models and corrections in {data_dir}?", abort=True, err=True)
    with only_one(data_dir):
        stop_leftovers(data_dir)
        for path in found:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
