"""The cached API keys of a process: when they are read again, and how long they are valid."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

import pytest

from relearn.agents.stores.api_keys import ApiKey
from relearn.api.access.keyring import MAX_AGE_S, KeyRing
from relearn.schemas.api_keys import ENTROPY_BYTES, KeyProof, make_key
from relearn.schemas.errors import PostgresUnavailable

NOW = datetime(2026, 1, 31, tzinfo=UTC)


def proof_of(number: int) -> KeyProof:
    return make_key(bytes([number] * ENTROPY_BYTES))[1]


def kept(number: int, *, revoked: bool = False) -> ApiKey:
    proof = proof_of(number)
    return ApiKey(proof.id, f"key {number}", "read", proof.hash, NOW, NOW if revoked else None)


class Table:
    """The keys in Postgres, which may be away."""

    def __init__(self, *keys: ApiKey) -> None:
        self.keys, self.away, self.reads, self.ahead_s = list(keys), False, 0, 0.0

    async def read(self) -> list[ApiKey]:
        self.reads += 1
        await asyncio.sleep(0)
        if self.away:
            raise PostgresUnavailable("away")
        return list(self.keys)

    def ring(self) -> KeyRing:
        return KeyRing(self.read, lambda: time.monotonic() + self.ahead_s)


async def test_no_key_is_needed_until_the_first_is_made_and_then_for_ever() -> None:
    table = Table()
    ring = table.ring()
    assert not await ring.is_required()
    table.keys.append(kept(1, revoked=True))
    await ring.refresh()
    assert await ring.is_required()


async def test_whether_keys_are_needed_is_not_guessed() -> None:
    table = Table()
    table.away = True
    ring = table.ring()
    with pytest.raises(PostgresUnavailable):
        await ring.is_required()
    table.away = False
    assert not await ring.is_required()


async def test_a_key_is_known_as_soon_as_it_is_made() -> None:
    table = Table(kept(1))
    ring = table.ring()
    await ring.refresh()
    table.keys.append(kept(2))
    assert await ring.find(proof_of(2)) == kept(2)


async def test_a_known_key_costs_no_query() -> None:
    table = Table(kept(1))
    ring = table.ring()
    await ring.refresh()
    assert [await ring.find(proof_of(1)) for _ in range(10)] == [kept(1)] * 10
    assert table.reads == 1


async def test_many_unknown_keys_at_once_cost_two_queries_at_most() -> None:
    """Perhaps one under way, and one that began afterwards."""
    table = Table(kept(1))
    ring = table.ring()
    found = await asyncio.gather(*(ring.find(proof_of(number)) for number in range(2, 200)))
    assert found == [None] * 198
    assert table.reads <= 2


async def test_the_right_id_with_another_secret_is_unknown() -> None:
    ring = Table(kept(1)).ring()
    await ring.refresh()
    assert await ring.find(KeyProof(proof_of(1).id, proof_of(2).hash)) is None


async def test_a_revoked_key_is_unknown_after_the_next_look() -> None:
    table = Table(kept(1))
    ring = table.ring()
    assert await ring.find(proof_of(1)) is not None
    table.keys[:] = [kept(1, revoked=True)]
    await ring.refresh()
    assert await ring.find(proof_of(1)) is None


async def test_while_postgres_is_away_known_keys_go_on_and_unknown_ones_are_not_refused_for_good() -> None:
    table = Table(kept(1))
    ring = table.ring()
    await ring.refresh()
    table.away = True
    await ring.refresh()
    assert await ring.find(proof_of(1)) == kept(1)
    with pytest.raises(PostgresUnavailable):
        await ring.find(proof_of(2))


async def test_what_was_known_is_not_believed_for_ever() -> None:
    table = Table(kept(1))
    ring = table.ring()
    await ring.refresh()
    table.away, table.ahead_s = True, MAX_AGE_S
    with pytest.raises(PostgresUnavailable):
        await ring.find(proof_of(1))
    table.away = False
    table.ahead_s *= 2
    assert await ring.find(proof_of(1)) == kept(1)
