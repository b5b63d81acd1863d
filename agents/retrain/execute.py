"""Executing one command in one transaction: its job and, for all but `train` and `import`, the outcome."""

from __future__ import annotations

import json
from dataclasses import replace

from relearn.agents.stores.features.change import change_features
from relearn.agents.stores.postgres import Connection, Pool, postgres_errors
from relearn.agents.stores.training.activations import ActivationCause, SigningContext, activate, former_champion
from relearn.agents.stores.training.champion import champion_activation
from relearn.agents.stores.training.jobs import end_job, queue_job
from relearn.agents.stores.training.models import State
from relearn.agents.stores.training.policy_facts import hold_of, known_cut
from relearn.schemas.errors import BadMessage, Refused
from relearn.schemas.identity import INT32_MAX
from relearn.schemas.messages.commands import CHALLENGE_COMMANDS, Command

#: Maximum size of a reason in characters. Every list of jobs and models repeats it; drift names many features.
_REASON_MAX = 256 * 1024
_DEEPEST = 20
_LEFT: State = "former"
_ROLLED_BACK: State = "rolled-back"
#: Triggers of trainings that the policy asks for.
AUTOMATIC = frozenset(("count", "labels", "rate", "drift", "schedule"))


async def execute_command(pool: Pool, command: Command, signing: SigningContext, *, above: int) -> bool:
    """Write the job of `command`. Returns False, without a change, if the job exists. Safe to repeat.

    A training or import is left queued. Activations get a number larger than `above`. A forced command's reason has
    `forced`.

    Raises:
        PostgresUnavailable: nothing was written.
        BadMessage, BadRow: the command has a value that no row can store.
    """
    if command.force:
        command = replace(command, reason={**command.reason, "forced": True})
    check_command_storable(command)
    with postgres_errors():
        async with pool.acquire() as connection, connection.transaction():
            if not await queue_job(connection, command):
                return False
            try:
                # A savepoint: what was written before a refusal is undone.
                async with connection.transaction():
                    version, facts = await _decide(connection, command, signing, above), None
                    if command.command == "schema":
                        facts = await change_features(connection, command)
            except Refused as exc:
                await end_job(connection, command.id, "skipped", error=str(exc))
            else:
                if command.command not in CHALLENGE_COMMANDS:
                    await end_job(connection, command.id, "promoted", version=version, metrics=facts)
            return True


async def _decide(connection: Connection, command: Command, signing: SigningContext, above: int) -> int | None:
    """Carry out the command. Returns the version that is the champion afterwards, for commands that choose one."""
    match command.command:
        case "import":
            return None
        case "train":
            await _check_train(connection, command)
            return None
        case "hold" | "resume":
            await _check_hold(connection, command)
            return None
        case "schema":
            return None
        case "activate":
            version, leaves = command.version or 0, _LEFT
        case "rollback":
            version, leaves = await former_champion(connection), _ROLLED_BACK
    cause = ActivationCause(command.id, command.by, command.reason)
    await activate(connection, version, cause, signing, above=above, leaves=leaves, force=command.force)
    return version


async def _check_train(connection: Connection, command: Command) -> None:
    """Raises Refused for facts of the policy that are out of date: the same facts never make a second job."""
    if command.reason.get("trigger") not in AUTOMATIC:
        return
    activation, cut = command.reason.get("activation"), command.reason.get("cut")
    current = await champion_activation(connection)
    if activation != current:
        raise Refused(f"asked for under activation {activation}; {current} is live")
    known = await known_cut(connection)
    if not isinstance(cut, int) or cut <= known:
        raise Refused(f"asked for on corrections up to {cut}; a training has known those up to {known} since")
    held = await hold_of(connection)
    if held is not None:
        raise Refused(f"automatic training is on hold: {held}")


async def _check_hold(connection: Connection, command: Command) -> None:
    """Raises Refused if nothing would change. The job itself is the hold: see `policy_facts.hold_of`."""
    held = await hold_of(connection)
    if command.command == "hold" and held is not None:
        raise Refused(f"on hold already: {held}")
    if command.command == "resume" and held is None:
        raise Refused("nothing is on hold")


def check_command_storable(command: Command) -> None:
    """Return if a row can hold `command`.

    Raises:
        BadMessage: with reason `invalid`.
    """
    if command.version is not None and command.version > INT32_MAX:
        raise BadMessage("invalid", f"no model has the version {command.version}")
    try:
        size = len(json.dumps(dict(command.reason), allow_nan=False))
    except (TypeError, ValueError, RecursionError) as exc:
        raise BadMessage("invalid", f"`reason` can't be written as JSON: {str(exc)[:200]}") from exc
    if size > _REASON_MAX or _is_deep(dict(command.reason)):
        raise BadMessage("invalid", f"`reason` is longer than {_REASON_MAX:,} characters, or nested too deep")


def _is_deep(item: object, depth: int = 0) -> bool:
    inner = item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
    return depth > _DEEPEST or any(_is_deep(one, depth + 1) for one in inner)
