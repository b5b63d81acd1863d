"""Jobs."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from relearn.agents.stores.training.jobs import Job as StoredJob
from relearn.agents.stores.training.jobs import job_fields, read_job
from relearn.agents.stores.training.jobs import list_jobs as read_jobs
from relearn.api.http.call import Call, Handlers
from relearn.api.http.cursors import Cursors, Int64
from relearn.api.http.problems import ProblemError
from relearn.api.writes.commands import send_command
from relearn.schemas.http.jobs import Job, JobPath, JobsQuery
from relearn.schemas.http.operation import AcceptedCommand, Page


class _Key(Struct, frozen=True):
    number: Int64


_cursors = Cursors("jobs", _Key)


async def list_jobs(call: Call[None, JobsQuery, None]) -> Page[Job]:
    """A page of jobs, newest first by their number."""
    pool, query = call.context.pool, call.query

    async def fetch(after: _Key | None, limit: int) -> Sequence[StoredJob]:
        before = None if after is None else after.number
        return await read_jobs(pool, limit, before=before, state=query.state, command=query.command)

    rows, following = await _cursors.page(query, fetch, lambda row: _Key(row.number))
    return Page([msgspec.convert(job_fields(row), Job) for row in rows], following)


async def get_job(call: Call[JobPath, None, None]) -> Job:
    """One job."""
    found = await read_job(call.context.pool, call.path.id)
    if found is None:
        raise ProblemError("not-found", f"There is no job {call.path.id}, or no retrain worker has taken it yet.")
    return msgspec.convert(job_fields(found), Job)


async def train_model(call: Call[None, None, None]) -> AcceptedCommand:
    """Send the command `train`."""
    return await send_command(call, "train")


HANDLERS: Handlers = {"list_jobs": list_jobs, "get_job": get_job, "train_model": train_model}
