"""The `commands` topic's messages: commands to the retrain role. A job's id is its command's id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import NAMESPACE_URL, uuid5

import msgpack
import msgspec

from relearn.schemas.errors import BadMessage
from relearn.schemas.messages.decoder import Decoder
from relearn.schemas.schema_changes import read_change
from relearn.schemas.text import check_text

CE_TYPE = "relearn.command.v1"
Verb = Literal["train", "import", "activate", "rollback", "hold", "resume", "schema"]
#: The commands that make a challenger.
CHALLENGE_COMMANDS: frozenset[Verb] = frozenset(("train", "import"))


@dataclass(frozen=True, slots=True)
class Command:
    """One command. `reason` holds at least `trigger`; `by` names a person or program.

    `version` and `force` are for `activate`. `force`: also a model that was rejected or rolled back. An `import` is of
    the model that was stored under the command's id before. The reason of `schema` holds the `change` of the features
    (`schemas.schema_changes`).
    """

    id: str
    command: Verb
    reason: Mapping[str, Any] = field(default_factory=dict)
    version: int | None = None
    by: str | None = None
    force: bool = False


def rollback_id(namespace: str, activation: int) -> str:
    """The id of the job that rolls one activation back: the same for every request, so the rollback runs once."""
    return str(uuid5(NAMESPACE_URL, f"relearn:{namespace}:{activation}:rollback"))


class CommandWire(msgspec.Struct):
    """A message of `commands` as it travels."""

    id: str
    command: Verb
    reason: dict[str, Any] = msgspec.field(default_factory=dict)
    version: int | None = None
    by: str | None = None
    force: bool = False


_decoder = Decoder(CommandWire, "command")


def encode_command(command: Command) -> bytes:
    """One message of the `commands` topic."""
    message = {
        "id": command.id,
        "command": command.command,
        "reason": dict(command.reason),
        "version": command.version,
        "by": command.by,
        "force": command.force or None,
    }
    return bytes(msgpack.packb({key: value for key, value in message.items() if value is not None}))


def decode_command(value: bytes | None) -> Command:
    """The command in one message.

    Raises:
        BadMessage: it can't be read, its command is unknown, or a field that the command needs is missing.
    """
    wire = _decoder.read(value)
    if not wire.id:
        raise BadMessage("invalid", "`id` is empty")
    check_text(wire.id, "id")
    check_text(wire.by, "by")
    if not isinstance(wire.reason.get("trigger"), str | None):
        raise BadMessage("invalid", "`reason`: `trigger` should be a string")
    if wire.command == "activate" and (wire.version is None or wire.version < 1):
        raise BadMessage("invalid", "`activate` needs a `version`")
    if wire.command == "schema":
        read_change(wire.reason.get("change"))
    return Command(wire.id, wire.command, wire.reason, wire.version, wire.by, wire.force)
