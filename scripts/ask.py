"""Asking the retrain role for something: one acknowledged command, and waiting for what comes of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from confluent_kafka import KafkaError, Message, Producer

from agents.heartbeat import read_workers
from agents.kafka import librdkafka_config
from agents.stores.jobs import Job, read_job
from agents.stores.postgres import Pool
from agents.stores.redis import open_redis
from schemas.commands import CE_TYPE, Command, encode_command
from schemas.errors import KafkaUnavailable, RedisUnavailable, SetupError
from schemas.headers import cloud_event
from schemas.settings import Settings
from schemas.topics import topic_name

_SEND_TIMEOUT_S = 30.0
_LOOK_EVERY_S = 0.2
_SWAP_TIMEOUT_S = 5.0
#: In these states somebody is at work. A shadow is watched for as long as it takes: nobody waits for that.
_UNDER_WAY = frozenset(("queued", "running"))


def send_command(settings: Settings, command: Command) -> None:
    """Return when the broker has `command`.

    Raises:
        KafkaUnavailable: it isn't known to have it.
        SetupError: there is no topic for it.
    """
    topic = topic_name(settings.namespace, "commands")
    timeout_ms = int(_SEND_TIMEOUT_S * 1000)
    producer = Producer(
        {
            **librdkafka_config(settings),
            "enable.idempotence": True,
            "message.timeout.ms": timeout_ms,
            "log_level": 0,
        }
    )
    errors: list[KafkaError | None] = []

    def on_delivery(error: KafkaError | None, _: Message) -> None:
        errors.append(error)

    headers: Any = cloud_event(CE_TYPE, f"/{settings.namespace}/cli", now_s=time.time(), event_id=command.id)
    producer.produce(topic, encode_command(command), headers=headers, on_delivery=on_delivery)
    producer.flush(_SEND_TIMEOUT_S + 5)
    error = errors[0] if errors else KafkaError(KafkaError._TIMED_OUT)
    if error is None:
        return
    if error.code() in {KafkaError._UNKNOWN_TOPIC, KafkaError.UNKNOWN_TOPIC_OR_PART}:
        raise SetupError(f"there is no topic {topic}; run `relearn migrate` first")
    raise KafkaUnavailable(f"Kafka didn't take the command: {error.str()}")


async def wait_for_job(
    pool: Pool, job_id: str, *, timeout_s: float, on_state: Callable[[str], None] = lambda state: None
) -> Job | None:
    """The job once it has ended or its model is a shadow, or as it stands after `timeout_s`; None if nobody took it.

    `on_state` is told each state once: `sent`, `queued`, `running` …
    """
    deadline, told = time.monotonic() + timeout_s, ""
    while True:
        job = await read_job(pool, job_id)
        state = "sent" if job is None else job.state
        if state != told:
            told = state
            on_state(state)
        if (job is not None and job.state not in _UNDER_WAY) or time.monotonic() > deadline:
            return job
        await asyncio.sleep(_LOOK_EVERY_S)


async def wait_for_workers(settings: Settings, activation: int) -> list[dict[str, Any]] | None:
    """The heartbeats of all score workers once each has `activation`, or after five seconds; None without Redis."""
    redis = open_redis(settings)
    deadline = time.monotonic() + _SWAP_TIMEOUT_S
    try:
        while True:
            workers = [one for one in await read_workers(redis, settings.namespace) if one["role"] == "score"]
            behind = [one for one in workers if (one["activation"] or 0) < activation]
            if not behind or time.monotonic() > deadline:
                return workers
            await asyncio.sleep(_LOOK_EVERY_S)
    except RedisUnavailable:
        return None
    finally:
        await redis.aclose()
