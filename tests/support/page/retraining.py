"""The work of a retrain worker, done by the worker's functions in the test."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict

from relearn.agents.learning.gate import Verdict
from relearn.agents.models.signing_keys import load_signer
from relearn.agents.retrain.execute import execute_command
from relearn.agents.stores.live.checkpoint import read_news
from relearn.agents.stores.training.activations import SigningContext
from relearn.schemas.messages.commands import Command, decode_command
from relearn.schemas.settings import Settings
from tests.support.data.rows import messages, query, value
from tests.support.page.site import Site
from tests.support.waiting import eventually_async

_JUDGED = "UPDATE jobs SET metrics = metrics || jsonb_build_object('gate', $2::jsonb), error = $3 WHERE version = $1"


async def commands(site: Site) -> list[Command]:
    """All commands to the retrain role."""
    return [decode_command(one.value()) for one in await asyncio.to_thread(messages, site.settings, "commands")]


async def asked(site: Site, after: int) -> Command:
    """The command that follows the first `after`, once it is there."""
    found: list[Command] = []

    async def there() -> bool:
        found[:] = await commands(site)
        return len(found) > after

    await eventually_async(there, "no command was sent")
    return found[after]


async def obeyed(site: Site, command: Command) -> None:
    """Write the command's job, execute it, and send the events."""
    settings, pool = site.settings, site.client.context.pool
    before = await pool.fetchval("SELECT coalesce(max(activation), 0) FROM activations")
    assert await execute_command(pool, command, SigningContext(settings.namespace, load_signer(settings)), above=0)
    await site.tell(*await read_news(pool, [command.id], before))


def judged(settings: Settings, version: int, verdict: Verdict) -> None:
    """Store the gate's verdict on a registered model, as its training would."""
    facts = asdict(verdict)
    figures = {**{name: facts[name] for name in ("outcome", "path", "why")}, **verdict.facts}
    query(settings, _JUDGED, version, json.dumps(figures), None if verdict.outcome == "promoted" else verdict.why)


def job_of(settings: Settings, version: int) -> str:
    """The job that made a model."""
    return str(value(settings, "SELECT job FROM models WHERE version = $1", version))
