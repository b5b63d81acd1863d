"""Jobs."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from relearn.agents.stores.training.jobs import job_fields, list_jobs, read_job
from relearn.api.http.call import Call, Handlers
from relearn.api.http.cursors import Cursors, Int64, page_of
from relearn.api.http.problems import Failure
from relearn.api.writes.commands import accepted
from relearn.schemas.http.jobs import Job, JobPath, JobsQuery
from relearn.schemas.http.operation import AcceptedCommand, Page


class _Key(Struct, frozen=True):
    number: Int64


_cursors = Cursors("jobs", _Key)


async def jobs(call: Call[None, JobsQuery, None]) -> Page[Job]:
    """In the order in which they were taken, the newest first."""
    query, after = call.query, _cursors.read(call.query)
    before = None if after is None else after.number
    found = await list_jobs(call.context.pool, query.limit + 1, before=before, state=query.state, command=query.command)
    shown, last = page_of(found, query.limit)
    following = None if last is None else _cursors.write(_Key(last.number), query)
    return Page([msgspec.convert(job_fields(one), Job) for one in shown], following)


async def job(call: Call[JobPath, None, None]) -> Job:
    """One of them."""
    found = await read_job(call.context.pool, call.path.id)
    if found is None:
        raise Failure("not-found", f"There is no job {call.path.id}, or no retrain worker has taken it yet.")
    return msgspec.convert(job_fields(found), Job)


async def train(call: Call[None, None, None]) -> AcceptedCommand:
    """Ask for a training."""
    return await accepted(call, "train")


HANDLERS: Handlers = {"list_jobs": jobs, "get_job": job, "train_model": train}
