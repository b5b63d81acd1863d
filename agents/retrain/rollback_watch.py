"""Automatic rollback: the former champion scores every audited record again, and returns if it is better."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial

import structlog

from relearn.agents.learning.rollback_verdict import (
    READ_FIRST,
    AnswerPair,
    Counted,
    RollbackVerdict,
    compare_answers,
    count_audited,
    is_enough,
    rollback_verdict,
)
from relearn.agents.retrain.context import LOOK_EVERY_S, RetrainContext
from relearn.agents.retrain.execute import execute_command
from relearn.agents.stores.feedback.reviewer_statements import (
    audited_statements,
    features_of,
    newest_of_model,
    statements_of_model_since,
)
from relearn.agents.stores.postgres import Connection, Pool, postgres_errors
from relearn.agents.stores.training.activations import former_champion
from relearn.agents.stores.training.champion import read_champion
from relearn.agents.stores.training.models import load_model
from relearn.agents.stores.training.policy_facts import hold_of
from relearn.agents.stores.training.snapshot import training_keys
from relearn.schemas.errors import Refused
from relearn.schemas.messages.commands import CHALLENGE_COMMANDS, Command, rollback_id
from relearn.schemas.model.linear_svm import Model

log = structlog.get_logger()


@dataclass(slots=True)
class Watched:
    """A champion that was promoted by the gate, its predecessor, and the keys that either was trained on.

    `newest`: the last statement about it that was read; `counted`: the evidence at that time.
    """

    activation: int
    champion: int
    former: Model
    keys: frozenset[str]
    newest: int = 0
    counted: Counted | None = None


async def watch_champion(context: RetrainContext) -> None:
    """Every LOOK_EVERY_S, compare the champion with its predecessor on the champion's reviews; roll it back if worse.

    Raises:
        Stopping: asked to stop while a server is away.
    """
    await context.caught_up()
    pool = await context.pool()
    watched: Watched | None = None
    while not context.stop():
        if context.in_charge():
            watched = await context.until_available(partial(_watched, pool, watched))
            if watched is not None:
                await _look(context, pool, watched)
        await asyncio.sleep(LOOK_EVERY_S)


async def _look(context: RetrainContext, pool: Pool, watched: Watched) -> None:
    settings = context.settings

    async def read() -> list[AnswerPair]:
        with postgres_errors():
            async with pool.acquire() as connection:
                return await evidence(connection, watched, limit=settings.rollback_labels)

    rows = await context.until_available(read)
    verdict = rollback_verdict(rows, threshold=settings.rollback_evidence, limit=settings.rollback_labels)
    if verdict.rolls_back:
        command = _command(settings.namespace, watched, verdict)
        log.warning("rolling_back", **command.reason)
        await context.until_available(lambda: execute_command(pool, command, context.signing, above=context.above()))
        context.new_activations.set()


async def evidence(connection: Connection, watched: Watched, *, limit: int) -> list[AnswerPair]:
    """Former champion and champion on the counted reviews; empty if these have not changed since the last look."""
    newest = await newest_of_model(connection, watched.champion)
    if newest == watched.newest:
        return []
    if watched.counted is not None:
        said = await statements_of_model_since(connection, watched.champion, watched.newest)
        if not any(watched.counted.may_change(one) for one in said if one.key not in watched.keys):
            watched.newest = newest
            return []
    counted = await _count(connection, watched, limit)
    features, string_of = await features_of(connection, [one.id for one in counted.rows], watched.former)
    watched.newest, watched.counted = newest, counted
    rows = [one._replace(features=features[one.id]) for one in counted.rows]
    return compare_answers(rows, watched.former, string_of)


async def _count(connection: Connection, watched: Watched, limit: int) -> Counted:
    """The counted reviews of the champion. Reads no more statements than that needs."""
    keys = READ_FIRST * limit
    found = await audited_statements(connection, watched.champion, keys=keys)
    counted = count_audited(found, watched.keys, limit=limit)
    if is_enough(found, keys, counted):
        return counted
    return count_audited(await audited_statements(connection, watched.champion), watched.keys, limit=limit)


def _command(namespace: str, watched: Watched, verdict: RollbackVerdict) -> Command:
    """The command of an automatic rollback: the same evidence under the same activation is the same job."""
    reason = {
        "trigger": "evidence",
        "champion": watched.champion,
        "former": watched.former.version,
        "fixed": verdict.fixed,
        "broken": verdict.broken,
        "rows": verdict.rows,
    }
    return Command(rollback_id(namespace, watched.activation), "rollback", reason)


async def _watched(pool: Pool, before: Watched | None) -> Watched | None:
    """The champion to watch now; `before` if it hasn't changed."""
    with postgres_errors():
        async with pool.acquire() as connection:
            champion = await read_champion(connection)
            if champion is None or champion.command not in CHALLENGE_COMMANDS or await hold_of(connection) is not None:
                return None
            if before is not None and before.activation == champion.activation:
                return before
            try:
                former = await former_champion(connection)
            except Refused:
                return None
            model = await load_model(connection, former)
            if model is None:
                raise RuntimeError(f"model {former} vanished")
            keys = await training_keys(connection, champion.version) | await training_keys(connection, former)
            return Watched(champion.activation, champion.version, model, keys)
