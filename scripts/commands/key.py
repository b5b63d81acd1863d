"""`relearn key`: keys of the HTTP API."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from relearn.agents.stores.api_keys import ApiKey, create_key, key_fields, list_keys, revoke_key
from relearn.schemas.api_keys import ENTROPY_BYTES, make_key, proves, read_key
from relearn.schemas.errors import Refused, SetupError
from relearn.schemas.http.operation import ROLES, Role
from relearn.scripts.client.query import with_pool
from relearn.scripts.commands.output import as_json_option, show_list
from relearn.scripts.render.figures import moment
from relearn.scripts.render.tables import plain_table

_OWNER_ONLY = 0o600


@click.group()
def key() -> None:
    """Keys of the HTTP API. Until the first key is created, the API needs none and serves loopback only."""


@key.command()
@click.option(
    "--role", required=True, type=click.Choice(ROLES), help="The permissions; each role includes those before it."
)
@click.option("--name", required=True, help="The owner; reviews made with this key have this reviewer.")
@click.option(
    "--file",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the key to this file (mode 600) instead of stdout. Does nothing if it holds a live key.",
)
def create(role: Role, name: str, path: Path | None) -> None:
    """Create a key and print it once: only its hash is stored.

    Send it in the header `Authorization: Bearer KEY`. Every running API accepts it at once.
    """
    if path is not None and (kept := _kept(path)) is not None:
        click.echo(f"{path} holds the key {kept.name!r} already, with role {kept.role}", err=True)
        return
    text, proof = make_key(secrets.token_bytes(ENTROPY_BYTES))
    with _written(path, text) if path is not None else nullcontext():
        made = with_pool(lambda pool: create_key(pool, name, role, proof))
    if path is None:
        click.echo(text)
    where = "it isn't shown again" if path is None else f"it is in {path}"
    click.echo(f"key {made.name!r} (id {made.id}), role {made.role}; {where}", err=True)


@key.command("list")
@as_json_option
def list_(as_json: bool) -> None:
    """List all keys, revoked ones included, the newest first. The keys themselves can't be listed."""
    found = with_pool(list_keys)
    nothing = "there are no keys: the API needs none, and serves loopback only"
    show_list(found, fields=key_fields, table=_table, nothing=nothing, as_json=as_json)


@key.command()
@click.argument("name_or_id", metavar="NAME|ID")
def revoke(name_or_id: str) -> None:
    """Revoke a key for good. Running APIs refuse it within seconds."""
    revoked = with_pool(lambda pool: revoke_key(pool, name_or_id))
    if revoked is None:
        raise Refused(f"there is no live key {name_or_id!r}")
    click.echo(f"key {revoked.name!r} (id {revoked.id}) is revoked", err=True)


def _kept(path: Path) -> ApiKey | None:
    """The live key that the file holds."""
    try:
        proof = read_key(path.read_text().strip())
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as exc:
        raise SetupError(f"{path} can't be read: {exc}") from exc
    if proof is None:
        raise Refused(f"{path} holds something else than a key: it is not changed")
    live = [one for one in with_pool(list_keys) if one.id == proof.id and one.revoked_at is None]
    return live[0] if live and proves(proof, live[0].hash) else None


@contextmanager
def _written(path: Path, text: str) -> Iterator[None]:
    """Create the file after the block, unless the block fails; it is never readable by other users.

    Raises:
        SetupError: the file can't be written; the block isn't run then.
    """
    scratch = path.with_name(path.name + ".new")
    try:
        scratch.unlink(missing_ok=True)
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY), "w") as file:
            file.write(text + "\n")
    except OSError as exc:
        raise SetupError(f"{path} can't be written: {exc}") from exc
    try:
        yield
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


def _table(keys: Sequence[ApiKey]) -> Table:
    table = plain_table("id", "name", "role", "made", "revoked", flowing=["name"])
    for one in keys:
        revoked = "" if one.revoked_at is None else moment(one.revoked_at)
        table.add_row(one.id, Text(one.name), one.role, moment(one.created_at), revoked)
    return table
