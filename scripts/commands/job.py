"""`relearn job`: the commands that the retrain role has received, and their results."""

from __future__ import annotations

import click

from relearn.agents.stores.training.jobs import job_fields, list_jobs, read_job
from relearn.scripts.client.query import with_pool
from relearn.scripts.commands.output import as_json_option, limit_option, show_list, show_one
from relearn.scripts.render.jobs_models import job_lines, jobs_table


@click.group()
def job() -> None:
    """List and show jobs of the retrain role."""


@job.command("list")
@limit_option
@as_json_option
def list_(limit: int, as_json: bool) -> None:
    """List jobs, the newest first."""
    found = with_pool(lambda pool: list_jobs(pool, limit))
    show_list(found, fields=job_fields, table=jobs_table, nothing="there are no jobs", as_json=as_json)


@job.command()
@click.argument("job_id", metavar="ID")
@as_json_option
def show(job_id: str, as_json: bool) -> None:
    """Show job ID: its reason, what its model was trained on, and the gate's verdict.

    A challenger fixes a record if it is right and the champion wrong, and breaks a record in the reverse case.
    """
    found = with_pool(lambda pool: read_job(pool, job_id))
    show_one(found, fields=job_fields, lines=job_lines, nothing=f"there is no job {job_id}", as_json=as_json)
