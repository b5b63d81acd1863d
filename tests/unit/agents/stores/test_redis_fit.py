"""Which Redis servers can be used."""

import pytest

from relearn.agents.stores.redis_fit import judged
from relearn.schemas.errors import SetupError

FITTING = {
    "redis_version": "7.2.4",
    "redis_mode": "standalone",
    "role": "master",
    "maxmemory_policy": "allkeys-lru",
    "maxmemory": 268_435_456,
}


def test_a_current_server_fits_without_a_word() -> None:
    """Valkey 9 answers as Redis 7.2.4."""
    assert judged(FITTING) == []
    assert judged({}) == []


@pytest.mark.parametrize(
    ("fact", "value", "words"),
    [
        ("redis_version", "6.0.16", "version 6.0.16; Relearn needs 6.2"),
        ("redis_mode", "cluster", "cluster"),
        ("role", "slave", "read-only replica"),
    ],
)
def test_one_that_would_break_is_refused_in_one_line(fact: str, value: str, words: str) -> None:
    """Commands that are missing, keys on several nodes, no writes."""
    with pytest.raises(SetupError, match=words):
        judged({**FITTING, fact: value})


def test_a_server_that_refuses_writes_once_it_is_full_gets_advice() -> None:
    """All that it holds can be lost, so that dropping the oldest is better."""
    (advice,) = judged({**FITTING, "maxmemory_policy": "noeviction"})
    assert "allkeys-lru" in advice
    assert judged({**FITTING, "maxmemory_policy": "noeviction", "maxmemory": 0}) == []
