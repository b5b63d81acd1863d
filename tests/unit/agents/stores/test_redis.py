"""Redis is left out for a while after a failure, and the first failure and success are reported as such."""

from __future__ import annotations

from relearn.agents.stores.redis import AWAY_S, RedisBackoff


def test_a_failure_leaves_redis_out_for_a_while() -> None:
    now_s = 100.0
    backoff = RedisBackoff(lambda: now_s)
    assert not backoff.active
    assert backoff.fail()
    assert backoff.active
    now_s += AWAY_S
    assert not backoff.active
    assert not backoff.fail()
    assert backoff.active


def test_a_success_ends_it_and_is_news_once() -> None:
    backoff = RedisBackoff(lambda: 0.0)
    assert not backoff.succeed()
    backoff.fail()
    assert backoff.succeed()
    assert not backoff.active
    assert not backoff.succeed()
    assert backoff.fail()
