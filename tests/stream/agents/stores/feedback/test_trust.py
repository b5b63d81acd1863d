"""Trusted senders in Postgres: exactly the key or the name that was named, with who and when."""

from __future__ import annotations

import secrets

import pytest

from relearn.agents.stores.api_keys import create_key, revoke_key
from relearn.agents.stores.feedback.reviewer_statements import all_statements
from relearn.agents.stores.feedback.trust import distrust_senders, list_reviewers, trust_sender, trusted_scopes
from relearn.agents.stores.postgres import Pool
from relearn.schemas.api_keys import ENTROPY_BYTES, make_key
from relearn.schemas.errors import Refused
from relearn.schemas.settings import Settings
from tests.support.api.filled import review, store
from tests.support.data.blocks import block_of
from tests.support.data.stored import tables


async def scopes(pool: Pool) -> frozenset[str]:
    async with pool.acquire() as connection:
        return await trusted_scopes(connection)


async def key(pool: Pool, name: str) -> str:
    return (await create_key(pool, name, "review", make_key(secrets.token_bytes(ENTROPY_BYTES))[1])).id


async def test_a_statements_scope_is_that_of_its_row(settings: Settings) -> None:
    """Trust is kept by scope, and the limit groups by it: both are the column that makes ids a sender's own."""
    async with tables(settings) as pool:
        await store(pool, block_of(1))
        for number, (reviewer, principal) in enumerate([("ann", "k1"), ("ann", None), (None, None), (None, "k2")]):
            await review(pool, number, "0-0-0", "1", reviewer=reviewer, principal=principal)
        rows = {row["id"]: row["scope"] for row in await pool.fetch("SELECT id, scope FROM corrections")}
        async with pool.acquire() as connection:
            assert {one.id: one.scope for one in await all_statements(connection)} == rows
        assert sorted(rows.values()) == ["key:k1", "key:k2", "reviewer:", "reviewer:ann"]


async def test_a_key_is_trusted_not_its_name(settings: Settings) -> None:
    """The next key of that name is another sender, and so is feedback without a key."""
    async with tables(settings) as pool:
        first = await key(pool, "feed")
        sender, new = await trust_sender(pool, "feed", by="ann")
        assert (sender.key_id, sender.reviewer, sender.by, new) == (first, "feed", "ann", True)
        assert (await trust_sender(pool, first, by="bob")) == (sender, False), "who trusted first stays"
        await revoke_key(pool, "feed")
        second = await key(pool, "feed")
        assert await scopes(pool) == {f"key:{first}"}
        assert (await trust_sender(pool, "feed"))[0].key_id == second
        await distrust_senders(pool, first)
        assert await scopes(pool) == {f"key:{second}"}
        await trust_sender(pool, "feed", without_key=True)
        assert len(await distrust_senders(pool, "feed", by="eve")) == 2
        assert await scopes(pool) == frozenset()
        ended = await pool.fetch("SELECT ended_by FROM trusted_senders WHERE ended_at IS NOT NULL ORDER BY id")
        assert [row["ended_by"] for row in ended] == [None, "eve", "eve"]


async def test_a_name_without_a_key_is_trusted_only_where_that_is_meant(settings: Settings) -> None:
    async with tables(settings) as pool:
        await trust_sender(pool, "feed")
        assert await scopes(pool) == {"reviewer:feed"}
        await key(pool, "feed")
        assert await scopes(pool) == {"reviewer:feed"}, "the key has to be trusted itself"
        with pytest.raises(Refused, match="--without-key"):
            await trust_sender(pool, "another")
        with pytest.raises(Refused, match="can't be trusted"):
            await trust_sender(pool, "")


async def test_the_list_begins_with_whom_is_trusted(settings: Settings) -> None:
    async with tables(settings) as pool:
        await store(pool, block_of(1))
        for number, reviewer in enumerate(["feed", "ann", None, "bob"]):
            await review(pool, number, "0-0-0", "1", reviewer=reviewer)
        await trust_sender(pool, "feed")
        await trust_sender(pool, "to come")
        found = await list_reviewers(pool)
        assert [(one.reviewer, len(one.trusted)) for one in found] == [
            ("feed", 1),
            ("to come", 1),
            ("bob", 0),
            (None, 0),
            ("ann", 0),
        ]
        assert [one.reviewer for one in await list_reviewers(pool, limit=3)] == ["feed", "to come", "bob"]
