"""`relearn job`: what was asked of the retrain role, and what came of it."""

from __future__ import annotations

import asyncio
import json

import click

from agents.stores.jobs import Job, job_fields, list_jobs, read_job
from agents.stores.postgres import open_pool
from schemas.errors import Refused
from schemas.settings import Settings
from scripts.environment import load_settings
from scripts.show import job_lines, jobs_table
from scripts.tables import stdout_console


@click.group()
def job() -> None:
    """List and show jobs."""


@job.command("list")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def list_(limit: int, as_json: bool) -> None:
    """List jobs, the newest first."""
    jobs = asyncio.run(_list(load_settings(), limit))
    if as_json:
        click.echo(json.dumps([job_fields(one) for one in jobs], indent=2))
    elif jobs:
        stdout_console().print(jobs_table(jobs))
    else:
        click.echo("there are no jobs", err=True)


@job.command()
@click.argument("job_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True)
def show(job_id: str, as_json: bool) -> None:
    """Show job ID."""
    found = asyncio.run(_show(load_settings(), job_id))
    if found is None:
        raise Refused(f"there is no job {job_id}")
    if as_json:
        click.echo(json.dumps(job_fields(found), indent=2))
    else:
        for line in job_lines(found):
            click.echo(line)


async def _list(settings: Settings, limit: int) -> list[Job]:
    pool = await open_pool(settings, size=1)
    try:
        return await list_jobs(pool, limit)
    finally:
        pool.terminate()


async def _show(settings: Settings, job_id: str) -> Job | None:
    pool = await open_pool(settings, size=1)
    try:
        return await read_job(pool, job_id)
    finally:
        pool.terminate()
