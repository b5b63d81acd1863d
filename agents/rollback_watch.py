"""Rollback by itself: the former champion answers every audited record again, and comes back where it is better."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import structlog

from agents.learning.gate import Comparison, RollbackVerdict, rollback_evidence
from agents.learning.reviews import UNBIASED, Statement, reviews
from agents.learning.scoring import score
from agents.obey import obey
from agents.retraining import LOOK_EVERY_S, Retraining
from agents.stores.activations import former_champion
from agents.stores.policy_facts import hold_of
from agents.stores.postgres import Connection, Pool, translated
from agents.stores.snapshot import training_keys
from agents.stores.statements import statements_of_model
from schemas.commands import Command
from schemas.errors import Refused
from schemas.model import Model, decode_model

log = structlog.get_logger()

_CHAMPION = """
SELECT a.version, a.activation, j.command = 'train' AS by_itself FROM activations a JOIN jobs j ON j.id = a.job
WHERE a.role = 'champion' ORDER BY a.activation DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class _Watched:
    """A champion that was promoted by the gate, its predecessor, and the keys that either was trained on."""

    activation: int
    champion: int
    former: Model
    keys: frozenset[str]


async def watch_champion(retraining: Retraining) -> None:
    """Look at what was reviewed of the champion, every LOOK_EVERY_S; send it back where its predecessor was better.

    Raises:
        Stopping: asked to stop while a server is away.
    """
    await retraining.caught_up()
    pool = await retraining.pool()
    watched: _Watched | None = None
    while not retraining.stop():
        if retraining.in_charge():
            watched = await retraining.patiently(partial(_watched, pool, watched))
            if watched is not None:
                await _look(retraining, pool, watched)
        await asyncio.sleep(LOOK_EVERY_S)


def compared(found: Sequence[Statement], former: Model, keys: frozenset[str]) -> list[Comparison]:
    """Former champion and champion on each audited record that neither was trained on (`keys`).

    One per key, in Kafka's order.
    """
    rows = [one for one in reviews(found) if one.via in UNBIASED and one.key not in keys]
    latest = sorted({one.key: one for one in rows}.values(), key=lambda one: one.sent)
    if not latest:
        return []
    labels = score(former, np.array([one.features for one in latest], dtype=np.float64)).labels
    answers = [former.classes[i] for i in labels]
    return [
        Comparison(answer == one.label, one.predicted == one.label) for one, answer in zip(latest, answers, strict=True)
    ]


async def _look(retraining: Retraining, pool: Pool, watched: _Watched) -> None:
    async def statements() -> list[Statement]:
        with translated():
            async with pool.acquire() as connection:
                return await statements_of_model(connection, watched.champion, features=True)

    found = await retraining.patiently(statements)
    settings = retraining.settings
    verdict = rollback_evidence(
        compared(found, watched.former, watched.keys),
        threshold=settings.rollback_evidence,
        limit=settings.rollback_labels,
    )
    if verdict.rolls_back:
        command = _command(settings.namespace, watched, verdict)
        log.warning("rolling_back", **command.reason)
        await retraining.patiently(lambda: obey(pool, command, retraining.seal, above=retraining.above()))
        retraining.new_activations.set()


def _command(namespace: str, watched: _Watched, verdict: RollbackVerdict) -> Command:
    """The command that nobody sends: the same evidence under the same activation is the same job."""
    reason = {
        "trigger": "evidence",
        "champion": watched.champion,
        "former": watched.former.version,
        "fixed": verdict.fixed,
        "broken": verdict.broken,
        "rows": verdict.rows,
    }
    job = uuid.uuid5(uuid.NAMESPACE_URL, f"relearn:{namespace}:{watched.activation}:rollback")
    return Command(str(job), "rollback", reason)


async def _watched(pool: Pool, before: _Watched | None) -> _Watched | None:
    """What there is to watch now; `before` where that hasn't changed."""
    with translated():
        async with pool.acquire() as connection:
            row = await connection.fetchrow(_CHAMPION)
            if row is None or not row["by_itself"] or await hold_of(connection) is not None:
                return None
            if before is not None and before.activation == row["activation"]:
                return before
            try:
                former = await former_champion(connection)
            except Refused:
                return None
            keys = await training_keys(connection, row["version"]) | await training_keys(connection, former)
            return _Watched(row["activation"], row["version"], await _model(connection, former), keys)


async def _model(connection: Connection, version: int) -> Model:
    return decode_model(await connection.fetchval("SELECT body FROM models WHERE version = $1", version))
