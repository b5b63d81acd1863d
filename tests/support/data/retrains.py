"""What tests of the retrain role share: examples, commands, the topic, and the registry as it stands."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any

import numpy as np
import psutil
from confluent_kafka import Producer

from relearn.agents.kafka.config import librdkafka_config
from relearn.agents.models.signing_keys import load_verifier
from relearn.agents.retrain.fit_process import PROGRAM
from relearn.agents.stores.postgres import open_pool
from relearn.agents.stores.training.examples import load_examples
from relearn.schemas.errors import BadModel
from relearn.schemas.features import numbers_alone
from relearn.schemas.messages.commands import Command, Verb, encode_command
from relearn.schemas.model.signed_updates import Update, decode_update
from relearn.schemas.settings import Settings
from relearn.schemas.topics import TopicName, topic_name
from tests.support.data.rows import messages, query
from tests.support.processes.workers import WorkerProcess
from tests.support.waiting import eventually


def load(settings: Settings, n: int = 40, *, d: int = 4, seed: int = 0, noise: bool = False, prefix: str = "r") -> int:
    """Load n labelled records of two classes that a line separates, or (`noise`) of labels that mean nothing."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, d))
    truth = np.arange(n) % 4 == 0 if noise else features[:, 0] > 0

    async def run() -> int:
        pool = await open_pool(settings, size=1)
        try:
            return await load_examples(
                pool,
                schema=numbers_alone([f"x{i + 1}" for i in range(d)]),
                features=features,
                labels=["yes" if one else "no" for one in truth],
                subjects=[f"{prefix}-{i}" for i in range(n)],
                source="test",
            )
        finally:
            pool.terminate()

    return asyncio.run(run())


def send(
    settings: Settings,
    verb: Verb,
    version: int | None = None,
    *,
    command_id: str | None = None,
    force: bool = False,
) -> str:
    """Send one command; its id."""
    command = Command(command_id or str(uuid.uuid4()), verb, {"trigger": "manual"}, version, "tests", force)
    put(settings, "commands", encode_command(command))
    return command.id


def put(settings: Settings, topic: TopicName, value: bytes | None, key: bytes | None = None) -> None:
    """Write one message, as any client with access could."""
    producer = Producer(librdkafka_config(settings))
    producer.produce(topic_name(settings.namespace, topic), value, key)
    assert producer.flush(30) == 0


def state_of(settings: Settings, job_id: str) -> str | None:
    """The state of a job; None until it is written."""
    found = query(settings, "SELECT state FROM jobs WHERE id = $1", job_id)
    return str(found[0][0]) if found else None


def ended(settings: Settings, job_id: str, say: Any = "") -> dict[str, Any]:
    """The job, once it has ended."""
    eventually(lambda: state_of(settings, job_id) not in {None, "queued", "running"}, say or f"{job_id} never ended")
    job = dict(query(settings, "SELECT * FROM jobs WHERE id = $1", job_id)[0])
    return {**job, "metrics": json.loads(job["metrics"] or "null")}


def tail(settings: Settings) -> Update | None:
    """The last word under the key `champion`, if it verifies; None if it doesn't, or there is none."""
    found = [message for message in messages(settings, "model-updates") if message.key() == b"champion"]
    if not found:
        return None
    try:
        return decode_update(found[-1].value(), load_verifier(settings), settings.namespace)
    except BadModel:
        return None


def training_process(worker: WorkerProcess) -> psutil.Process:
    """The process that a retrain worker trains in, or that waits for the next training, once there is one."""
    found: list[psutil.Process] = []

    def there() -> bool:
        """What was seen at this look is kept: at the next one it may be gone."""
        found[:] = training_processes(worker)
        return found != []

    eventually(there, lambda: f"no process trains or waits for that:\n{worker.log[-3000:]}")
    return found[0]


def training_processes(worker: WorkerProcess) -> list[psutil.Process]:
    """Those that a retrain worker has now."""
    return [child for child in psutil.Process(worker.pid).children() if _is_training(child)]


def _is_training(process: psutil.Process) -> bool:
    """Whether it runs the training; what other children there are for a moment doesn't count."""
    try:
        return PROGRAM in process.cmdline()
    except psutil.NoSuchProcess:
        return False


def gone(process: psutil.Process) -> bool:
    """Whether a process has ended, waited for or not."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def models(settings: Settings) -> list[tuple[int, str, str]]:
    """Version, state and job of every model."""
    return [tuple(row) for row in query(settings, "SELECT version, state, job FROM models ORDER BY version")]
