"""The real servers for tests: started once per session by the code of `relearn up`, each can be taken away.

The supervisor's event loop runs in a thread of its own, so that tests with loops of their own, and without, can use it.
"""

from __future__ import annotations

import asyncio
import os
import random
import threading
from collections.abc import Coroutine, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import psutil
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined] # re-exports without __all__

from relearn.schemas.topics import TopicSpec
from relearn.scripts.embedded.processes.process import Process, last_lines
from relearn.scripts.embedded.processes.supervisor import Supervisor
from relearn.scripts.embedded.servers import kafka, local, ports, postgres, valkey
from tests.support.waiting import eventually

T = TypeVar("T")
CALL_TIMEOUT_S = 180.0


class LoopThread:
    """An event loop in a thread; `call` runs a coroutine there and waits for it."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="servers", daemon=True)
        self._thread.start()

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(CALL_TIMEOUT_S)

    def close(self) -> None:
        self.call(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Server:
    """One server that a test may take away, and then brings back: `start()` waits until it answers."""

    def __init__(self, name: str, supervisor: Supervisor, thread: LoopThread, log_path: Path) -> None:
        self.name = name
        self._supervisor = supervisor
        self._thread = thread
        self._log_path = log_path

    @property
    def pid(self) -> int | None:
        return self._supervisor.pid(self.name)

    def stop(self) -> None:
        """In order, as an operator would."""
        self._thread.call(self._supervisor.stop(self.name))

    def kill(self) -> None:
        """kill -9; returns when it is dead. It isn't started again by itself."""

        async def kill() -> None:
            self._supervisor.kill(self.name)
            await self._supervisor.stop(self.name)

        self._thread.call(kill())

    def start(self) -> None:
        """Start it again on the same port and data, unless it runs."""
        if self.pid is None:
            self._thread.call(self._supervisor.start_stopped(self.name))

    @contextmanager
    def away(self) -> Iterator[None]:
        """Stopped inside the block, back after it."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def hung(self) -> Iterator[None]:
        """Its connections stay open inside the block, and neither it nor any child of it answers."""
        assert self.pid is not None
        own = psutil.Process(self.pid)
        stopped = [own]
        try:
            own.suspend()  # at first: it makes no more children
            for child in own.children(recursive=True):
                stopped.append(child)
                child.suspend()
            yield
        finally:
            for one in reversed(stopped):
                with suppress(psutil.NoSuchProcess):
                    one.resume()

    def log(self, count: int = 40) -> str:
        """The end of its log."""
        return last_lines(self._log_path, count)


class Servers:
    """Kafka, Postgres and Valkey, and where they listen."""

    def __init__(self, data_dir: Path) -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        self._thread = LoopThread()
        self._supervisor = self._thread.call(self._make(data_dir))
        try:
            at = self._thread.call(self._start(data_dir))
        except BaseException:
            self.close()
            raise
        self.brokers = kafka.brokers(at.kafka)
        self._admin = AdminClient({"bootstrap.servers": self.brokers, "log_level": 0})
        self.dsn = postgres.dsn(at.postgres)
        self.redis_url = valkey.url(at.valkey)
        self.environment = at.settings(local.SETTING)
        """The same as `RELEARN_…` settings, for child processes."""
        self.kafka, self.postgres, self.valkey = (
            Server(name, self._supervisor, self._thread, data_dir / "logs" / f"{name}.log") for name in local.SETTING
        )

    def wait_until_led(self, topics: Iterable[TopicSpec]) -> None:
        """Until each of their partitions can be written to: a slow broker takes seconds for that once they are made."""
        places = [TopicPartition(one.name, number) for one in topics for number in range(one.partitions)]
        wanted = {place: OffsetSpec.latest() for place in places}  # type: ignore[no-untyped-call]

        def led() -> bool:
            return all(answer.exception() is None for answer in self._admin.list_offsets(wanted).values())

        eventually(led, "the topics that were made have no leader")

    def holds_messages(self, topics: Iterable[TopicSpec]) -> bool:
        """Whether one of these topics got a message, or isn't as it was made."""
        places = [TopicPartition(one.name, number) for one in topics for number in range(one.partitions)]
        wanted = {place: OffsetSpec.latest() for place in places}  # type: ignore[no-untyped-call]
        answers = self._admin.list_offsets(wanted).values()
        return any(answer.exception() is not None or answer.result().offset > 0 for answer in answers)

    def drop_topics(self, names: Iterable[str]) -> None:
        """Topics that no test needs any more: a restarted broker reads all its topics."""
        for future in self._admin.delete_topics(list(names)).values():
            try:
                future.result()
            except KafkaException as exc:
                if exc.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                    raise

    def close(self) -> None:
        self._thread.call(self._supervisor.stop_all())
        self._thread.close()

    async def _make(self, data_dir: Path) -> Supervisor:
        return Supervisor(data_dir, restart=False)

    async def _start(self, data_dir: Path) -> local.Ports:
        await local.prepare(data_dir, local.SETTING, lambda event: None)
        async with ports.choosing():
            at = free_ports()
            described = local.describe(data_dir, local.SETTING, at, dict(os.environ))
            await self._supervisor.start(*map(quick_to_start, described))
        return at


def quick_to_start(process: Process) -> Process:
    """Kafka for tests: compiled quickly rather than well, which costs it half the processor time of a short life."""
    if process.name != kafka.NAME:
        return process
    java, *arguments = process.argv
    return replace(process, argv=(java, "-XX:TieredStopAtLevel=1", *arguments))


def free_ports() -> local.Ports:
    """Unused ports, below those given to clients: a stopped server finds its own again."""
    rng = random.SystemRandom()
    taken: list[int] = []
    for _ in range(4):
        taken.append(ports.choose(rng.randrange(20_000, 30_000), taken=taken))
    return local.Ports(*taken)
