"""Kafka, Postgres and Valkey for tests and faults: started by the code of `relearn up`, each can be taken away.

The supervisor's event loop runs in a thread of its own, so that callers with and without an event loop can use it.
"""

from __future__ import annotations

import asyncio
import os
import random
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import psutil

from relearn.scripts.dev.bench.faults.proxy import Proxy
from relearn.scripts.embedded.processes.process import Process, last_lines
from relearn.scripts.embedded.processes.supervisor import Supervisor
from relearn.scripts.embedded.servers import account, kafka, local, ports, postgres
from relearn.scripts.embedded.servers.secrets import Secrets, scram_verifier

T = TypeVar("T")
CALL_TIMEOUT_S = 180.0
OPERATOR = "relearn_operator"


class LoopThread:
    """An event loop in a thread; `call` runs a coroutine there and waits for it."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="servers", daemon=True)
        self._thread.start()

    def call(self, work: Coroutine[Any, Any, T], timeout_s: float = CALL_TIMEOUT_S) -> T:
        """The result of `work`, or its error."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout_s)

    def close(self) -> None:
        """Stop the loop and end the thread."""
        self.call(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Server:
    """One server that can be taken away and brought back: `start()` waits until it answers."""

    def __init__(self, process: Process, supervisor: Supervisor, thread: LoopThread) -> None:
        self.name = process.name
        self._process = process
        self._supervisor = supervisor
        self._thread = thread

    @property
    def pid(self) -> int | None:
        """The process id; None while the server is stopped."""
        return self._supervisor.pid(self.name)

    def stop(self) -> None:
        """Stop it in order, as an operator would."""
        self._thread.call(self._supervisor.stop(self.name))

    def kill(self) -> None:
        """kill -9; returns when it is dead. It isn't restarted by itself."""

        async def kill() -> None:
            self._supervisor.kill(self.name)
            await self._supervisor.stop(self.name)

        self._thread.call(kill())

    def start(self, extra: Mapping[str, str] | None = None) -> None:
        """Start it again on the same port and data, unless it runs; with more environment variables, if given."""
        if self.pid is None:
            # Not in the environment of the launcher, which may run as another user than the server.
            given = ("/usr/bin/env", *(f"{name}={value}" for name, value in extra.items())) if extra else ()
            changed = replace(self._process, argv=(*given, *self._process.argv))
            self._thread.call(self._supervisor.start_stopped(self.name, changed))

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
        return last_lines(self._process.log_path, count)


class Machine:
    """Kafka, Postgres and Valkey, where they listen, and proxies in front of them."""

    def __init__(self, data_dir: Path, tuned: Callable[[Process], Process] | None = None) -> None:
        """`tuned` may change how a server is started."""
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.data_dir = data_dir
        self._secrets = Secrets.of({})
        self._tuned = tuned or (lambda process: process)
        self._thread = LoopThread()
        self._supervisor = self._thread.call(self._make(data_dir))
        self._proxies: dict[str, Proxy] = {}
        try:
            at = self._thread.call(self._start(data_dir))
        except BaseException:
            self.close()
            raise
        self.operator_dsn = postgres.dsn(at.postgres, self._secrets.owner, OPERATOR)
        """Postgres, as a superuser, whom only these servers have."""
        self.brokers = kafka.brokers(at.kafka)
        self.environment = at.settings(local.SETTING, self._secrets)
        """Where the servers listen, as `RELEARN_…` settings."""
        self.kafka, self.postgres, self.valkey = (
            Server(self._processes[name], self._supervisor, self._thread) for name in local.SETTING
        )

    def proxied(self) -> dict[str, str]:
        """The settings of processes that reach each server through its proxy; the first call opens the proxies."""
        if not self._proxies:
            self._proxies = {
                name: Proxy(self._inner_port if name == kafka.NAME else _port(self.environment[setting]))
                for name, setting in local.SETTING.items()
            }
            self._proxies[kafka.NAME].port = self._outer_port
            for proxy in self._proxies.values():
                self._thread.call(proxy.open())
        return {
            setting: _with_port(self.environment[setting], self._proxies[name].port)
            for name, setting in local.SETTING.items()
        }

    def proxy(self, name: str) -> Proxy:
        """The proxy in front of `kafka`, `postgres` or `valkey`; its methods are called through `on_proxy`."""
        return self._proxies[name]

    def call(self, work: Coroutine[Any, Any, T], timeout_s: float = CALL_TIMEOUT_S) -> T:
        """The result of `work`, run on the event loop of the servers and proxies."""
        return self._thread.call(work, timeout_s)

    def mend(self) -> None:
        """All connections pass bytes again, new ones are accepted."""
        for proxy in self._proxies.values():
            self._thread.call(proxy.mend())

    def close(self) -> None:
        """Close the proxies and stop all servers."""
        for proxy in self._proxies.values():
            self._thread.call(proxy.close())
        self._thread.call(self._supervisor.stop_all())
        self._thread.close()

    async def _make(self, data_dir: Path) -> Supervisor:
        return Supervisor(data_dir, restart=False)

    async def _start(self, data_dir: Path) -> local.Ports:
        await local.prepare(data_dir, local.SETTING, self._secrets, lambda event: None)
        await self._make_operator(data_dir / postgres.NAME)
        async with ports.choosing():
            at, (self._inner_port, self._outer_port) = free_ports(), two_free_ports()
            described = local.describe(data_dir, local.SETTING, at, self._secrets, dict(os.environ))
            processes = [self._tuned(self._with_second_listener(one, at)) for one in described]
            await self._supervisor.start(*processes)
        self._processes = {process.name: process for process in processes}
        return at

    async def _make_operator(self, cluster: Path) -> None:
        verifier = scram_verifier(self._secrets.owner)
        sql = f"CREATE ROLE {OPERATOR} SUPERUSER LOGIN PASSWORD '{verifier}';\n\n"
        await postgres.execute_alone(cluster, account.owner_for(cluster), sql)

    def _with_second_listener(self, process: Process, at: local.Ports) -> Process:
        """Kafka with a second listener whose advertised port is its proxy's: clients follow what it advertises."""
        if process.name != kafka.NAME:
            return process
        here, second = ports.LOOPBACK, "PROXIED"
        overrides: Mapping[str, str] = {
            "listeners": f"PLAINTEXT://{here}:{at.kafka},CONTROLLER://{here}:{at.controller},"
            f"{second}://{here}:{self._inner_port}",
            "advertised.listeners": f"PLAINTEXT://{here}:{at.kafka},{second}://{here}:{self._outer_port}",
            "listener.security.protocol.map": f"PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,{second}:PLAINTEXT",
        }
        given = [part for name, value in overrides.items() for part in ("--override", f"{name}={value}")]
        return replace(process, argv=(*process.argv, *given))


def free_ports() -> local.Ports:
    """Unused ports, below those given to clients: a stopped server finds its own again."""
    return local.Ports(*_free(4))


def two_free_ports() -> tuple[int, int]:
    """Two more, for Kafka's second listener and the proxy in front of it."""
    first, second = _free(2)
    return first, second


def _free(count: int) -> list[int]:
    rng = random.SystemRandom()
    taken: list[int] = []
    for _ in range(count):
        taken.append(ports.choose(rng.randrange(20_000, 30_000), taken=taken))
    return taken


def _port(address: str) -> int:
    port = urlsplit(address if "://" in address else f"//{address}").port
    assert port is not None
    return port


def _with_port(address: str, port: int) -> str:
    return address.replace(f":{_port(address)}", f":{port}", 1)
