"""The demo's first model, trained as `relearn model train` does it; and workers that serve it and have caught up."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from relearn.agents.kafka.topics import admin_client
from relearn.agents.stores.postgres import Pool
from relearn.agents.stores.redis import Redis
from relearn.agents.stores.training.examples import read_features
from relearn.agents.stores.training.models import ModelRow, champion_digest, read_model
from relearn.agents.worker.heartbeat import read_workers
from relearn.schemas.errors import Refused, SetupError, Unavailable
from relearn.schemas.settings import Settings
from relearn.scripts.client.lag import read_lag
from relearn.scripts.data.bootstrap import train_on
from relearn.scripts.data.datasets import Dataset

TRAIN_TIMEOUT_S = 180.0
READY_TIMEOUT_S = 120.0
LOOK_EVERY_S = 0.2


async def champion(settings: Settings, pool: Pool) -> ModelRow | None:
    """The model that answers now."""
    found = await champion_digest(pool)
    return None if found is None else await read_model(pool, found[0])


async def check_features(pool: Pool, dataset: Dataset) -> None:
    """Return if the namespace takes this data set's records.

    Raises:
        Refused: its records have other features.
    """
    names = await read_features(pool)
    if names is not None and names != dataset.feature_names:
        raise Refused(
            f"what is stored here has other features than {dataset.name} ({len(names)}, not "
            f"{len(dataset.feature_names)}): set RELEARN_NAMESPACE, or RELEARN_DATA_DIR, to a name of your own"
        )


async def first_champion(settings: Settings, rows: Dataset, on_state: Callable[[str], None]) -> ModelRow:
    """Train the first champion on labelled rows.

    Raises:
        Refused: it was not promoted, and why.
        SetupError: nobody trained it.
    """
    outcome = await train_on(settings, rows, timeout_s=TRAIN_TIMEOUT_S, on_state=on_state)
    if outcome.job is None or outcome.job.ended_at is None:
        raise SetupError("no retrain worker has trained the first model; see `relearn status`, and retrain-1.log")
    if not outcome.promoted or outcome.model is None:
        raise Refused(f"the first model was {outcome.job.state}: {outcome.job.error or 'no reason given'}")
    return outcome.model


async def until_caught_up(
    settings: Settings, redis: Redis, roles: Mapping[str, int], on_state: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Wait until so many workers of each role are ready and nothing of earlier runs is left to do; the heartbeats.

    Raises:
        SetupError: they weren't in time, and what was missing.
    """
    admin = admin_client(settings)
    deadline, missing = time.monotonic() + READY_TIMEOUT_S, "no heartbeat"
    while time.monotonic() < deadline:
        try:
            beats = await read_workers(redis, settings.namespace)
            # Beside these there may be others that stand by.
            wanted = Counter(roles) - Counter(beat["role"] for beat in beats if beat["condition"] == "ready")
            unready = [f"{beat['id']} {beat['condition']}" for beat in beats if beat["role"] in wanted]
            lag = sum(lag.lag for lag in await read_lag(admin, settings) if not lag.group.endswith(".retrain"))
        except Unavailable as exc:
            missing = str(exc)
        else:
            if not wanted and not lag:
                return beats
            unheard = f"nothing has been heard of {', '.join(wanted)} yet"
            left = f"{lag:,} messages of earlier runs are left"
            missing = "; ".join(unready) or (unheard if wanted else left)
        on_state(missing)
        await asyncio.sleep(LOOK_EVERY_S)
    raise SetupError(f"the workers weren't ready within {READY_TIMEOUT_S:.0f} s: {missing}")
