"""Whether all agree on the champion: Postgres, the topic, and every process that holds a model."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from relearn.schemas.errors import RedisUnavailable
from relearn.schemas.settings import Settings
from tests.support.data import retrains
from tests.support.data.heartbeats import heartbeats
from tests.support.data.rows import query
from tests.support.processes.workers import WorkerProcess
from tests.support.waiting import eventually

_NEWEST = """
SELECT a.activation, a.version, m.state, a.published_at FROM activations a JOIN models m USING (version)
WHERE a.role = 'champion' ORDER BY a.activation DESC LIMIT 1
"""


class Champion(NamedTuple):
    """An activation, and the version that it made live."""

    activation: int
    version: int


def newest(settings: Settings) -> Champion:
    """The champion in Postgres."""
    activation, version, *_ = query(settings, _NEWEST)[0]
    return Champion(activation, version)


def on_the_topic(settings: Settings) -> Champion | None:
    """The latest champion on the topic; None for a foreign message."""
    update = retrains.tail(settings)
    return None if update is None or update.model is None else Champion(update.activation, update.model.version)


def all_agree(settings: Settings, running: dict[str, WorkerProcess]) -> None:
    """Wait until every running score and retrain worker serves the champion of Postgres and the topic."""
    began_s = time.time()
    holders = {name for name, worker in running.items() if name.startswith(("score", "retrain")) and worker.running}
    found: list[Any] = []

    def agree() -> bool:
        activation, version, state, published_at = query(settings, _NEWEST)[0]
        # The last heartbeat before a kill or a stop isn't the current one.
        beats = {one["id"]: (one["activation"], one["model"]) for one in _beats(settings) if one["seen_at"] > began_s}
        found[:] = [(activation, version, state, published_at), on_the_topic(settings), beats]
        champion = Champion(activation, version)
        topic_agrees = on_the_topic(settings) == champion and published_at is not None and state == "champion"
        return topic_agrees and beats.keys() >= holders and all(beats[name] == champion for name in holders)

    eventually(agree, lambda: f"they don't agree: {found}")


def one_model_per_job(settings: Settings) -> None:
    """Fail where a job has made two models, or ended promoted without one, or two models are champions."""
    jobs = [job for _, _, job in retrains.models(settings)]
    assert len(jobs) == len(set(jobs)), retrains.models(settings)
    assert [state for _, state, _ in retrains.models(settings)].count("champion") == 1
    promoted = query(settings, "SELECT id FROM jobs WHERE command = 'train' AND state IN ('promoted', 'shadow')")
    assert {row["id"] for row in promoted} <= set(jobs)


def _beats(settings: Settings) -> list[dict[str, Any]]:
    """The heartbeats that can be read at this look."""
    try:
        return list(heartbeats(settings).values())
    except RedisUnavailable:
        return []
