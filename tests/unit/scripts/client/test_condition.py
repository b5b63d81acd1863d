"""Addresses in `relearn status`."""

from __future__ import annotations

import pytest

from relearn.scripts.client.condition import without_password


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://me:hunter2@host:5432/db?sslmode=require", "host:5432/db"),
        ("postgresql://me:hunter2@one:5432,two:5433/db", "one:5432,two:5433/db"),
        ("redis://:hunter2@[::1]:6379/0", "[::1]:6379/0"),
        ("unix://me:hunter2@/run/redis.sock", "/run/redis.sock"),
        ("postgresql://host", "host"),
    ],
)
def test_an_address_is_shown_without_its_password(address: str, shown: str) -> None:
    assert without_password(address) == shown
