"""`relearn reviewer`: reviewers, and those whose labels no training limits."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click
from rich.table import Table
from rich.text import Text

from relearn.agents.stores.feedback.trust import (
    ReviewerRow,
    TrustedSender,
    distrust_senders,
    list_reviewers,
    reviewer_fields,
    trust_sender,
    trusted_fields,
)
from relearn.scripts.client.query import with_pool
from relearn.scripts.client.send_and_wait import person
from relearn.scripts.commands.output import as_json_option, limit_option, show_list
from relearn.scripts.render.figures import moment
from relearn.scripts.render.tables import plain_table


@click.group()
def reviewer() -> None:
    """List reviewers, and trust those whose labels no training is to limit.

    Where several reviewers have labels, a training learns from at most RELEARN_REVIEWER_LABELS keys of each, so
    that one wild reviewer doesn't outweigh the others; the rest waits. A trusted reviewer isn't limited: trust a feed
    of outcomes. A reviewer beside whom no other has labels isn't limited either, trusted or not.
    """


@reviewer.command("list")
@limit_option
@as_json_option
def list_(limit: int, as_json: bool) -> None:
    """List reviewers with their statements, trusted ones first, then the latest active ones."""
    found = with_pool(lambda pool: list_reviewers(pool, limit))
    show_list(found, fields=reviewer_fields, table=_table, nothing="there are no reviewers yet", as_json=as_json)


@reviewer.command()
@click.argument("name")
@click.option("--without-key", is_flag=True, help="Trust NAME in feedback that no API key sent, though there are keys.")
@as_json_option
def trust(name: str, without_key: bool, as_json: bool) -> None:
    """Don't limit NAME's labels per training. Takes effect with the next training; repeating it changes nothing.

    NAME is an API key's name or id: reviews made with exactly that key are trusted. No other key, and no feedback
    without a key, is trusted by using the same name. A new key of that name has to be trusted again.

    While there are no API keys, NAME is the reviewer's name, which every sender of feedback chooses freely. With
    --without-key it is the name in messages that programs write to the topic `feedback` themselves; Kafka's ACLs decide
    who may.
    """
    sender, new = with_pool(lambda pool: trust_sender(pool, name, without_key=without_key, by=person()))
    if as_json:
        click.echo(json.dumps({**trusted_fields(sender), "new": new}, indent=2))
    else:
        click.echo(f"{_who(sender)} is trusted" + ("" if new else f" already, {_since(sender)}"), err=True)


@reviewer.command()
@click.argument("name")
@as_json_option
def distrust(name: str, as_json: bool) -> None:
    """Limit NAME's labels again from the next training on. Repeating it changes nothing.

    Ends the trust in every sender of this name: API keys, revoked ones included, and feedback without a key. A key's id
    ends the trust in that key alone. Labels that a training has known stay.
    """
    ended = with_pool(lambda pool: distrust_senders(pool, name, by=person()))
    if as_json:
        click.echo(json.dumps([trusted_fields(one) for one in ended], indent=2))
    elif ended:
        click.echo("\n".join(f"{_who(one)} is no longer trusted" for one in ended), err=True)
    else:
        click.echo(f"{name!r} isn't trusted: nothing changed", err=True)


def _who(one: TrustedSender) -> str:
    if one.key_id is None:
        return f"reviewer {one.reviewer!r} without a key"
    return f"key {one.reviewer!r} (id {one.key_id})"


def _since(one: TrustedSender) -> str:
    return f"since {moment(one.at)}" + (f" by {one.by}" if one.by else "")


def _table(reviewers: Sequence[ReviewerRow]) -> Table:
    columns = ("reviewer", "corrections", "confirmations", "withdrawals", "latest", "trusted")
    table = plain_table(*columns, flowing=["reviewer", "trusted"])
    for one in reviewers:
        marks = [f"{_since(each)}, " + (f"key {each.key_id}" if each.key_id else "without key") for each in one.trusted]
        table.add_row(
            Text("no name" if one.reviewer is None else one.reviewer),
            str(one.corrections),
            str(one.confirmations),
            str(one.withdrawals),
            "" if one.last_at is None else moment(one.last_at),
            Text("; ".join(marks)),
        )
    return table
