"""Obeying one command: its job, and for all but `train` also what came of it, in one transaction."""

from __future__ import annotations

import json

from agents.stores.activations import Grounds, Seal, activate, former_champion
from agents.stores.jobs import end_job, queue_job
from agents.stores.postgres import Connection, Pool, translated
from schemas.commands import Command
from schemas.errors import BadMessage, Refused

_MAX_INT = 2**31 - 1


async def obey(pool: Pool, command: Command, seal: Seal, *, above: int) -> bool:
    """Write the job of `command`; False if that was done before, and nothing changes. Safe to repeat.

    A training is left queued. Activations get a number larger than `above`.

    Raises:
        PostgresUnavailable: nothing was written.
        BadMessage, BadRow: the command holds what no row can.
    """
    check_storable(command)
    with translated():
        async with pool.acquire() as connection, connection.transaction():
            if not await queue_job(connection, command):
                return False
            if command.command != "train":
                await _decide(connection, command, seal, above)
            return True


async def _decide(connection: Connection, command: Command, seal: Seal, above: int) -> None:
    try:
        version = await _activate(connection, command, seal, above)
    except Refused as exc:
        await end_job(connection, command.id, "skipped", error=str(exc))
    else:
        await end_job(connection, command.id, "promoted", version=version)


async def _activate(connection: Connection, command: Command, seal: Seal, above: int) -> int:
    grounds = Grounds(command.id, command.by, command.reason)
    if command.command == "activate" and command.version is not None:
        await activate(connection, command.version, grounds, seal, above=above)
        return command.version
    if command.command == "rollback":
        version = await former_champion(connection)
        await activate(connection, version, grounds, seal, above=above, leaves="rolled-back")
        return version
    raise Refused("no model is promoted without being asked for in this version: there is nothing to hold or resume")


def check_storable(command: Command) -> None:
    """Return if a row can hold `command`.

    Raises:
        BadMessage: with reason `invalid`.
    """
    if command.version is not None and command.version > _MAX_INT:
        raise BadMessage("invalid", f"no model has the version {command.version}")
    try:
        json.dumps(dict(command.reason), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as exc:
        raise BadMessage("invalid", f"`reason` can't be written as JSON: {str(exc)[:200]}") from exc
