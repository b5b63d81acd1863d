"""The schema registry of `relearn up --registry`, for a file of tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from relearn.scripts.dev.bench.faults.servers import LoopThread, Server
from relearn.scripts.embedded.processes.events import ignore
from relearn.scripts.embedded.processes.supervisor import Supervisor
from relearn.scripts.embedded.servers import ports, registry


@contextmanager
def schema_registry(data_dir: Path) -> Iterator[tuple[str, Server]]:
    """The address of a registry that runs during the block, and the process, which can be taken away."""
    data_dir.mkdir(parents=True, exist_ok=True)
    thread = LoopThread()

    async def make() -> Supervisor:
        return Supervisor(data_dir, restart=False)

    async def start(supervisor: Supervisor) -> tuple[str, Server]:
        await registry.prepare(data_dir, ignore)
        async with ports.choosing():
            port = ports.choose(registry.PORT)
            process = registry.server(data_dir, port, data_dir / "registry.log", dict(os.environ))
            await supervisor.start(process)
        return registry.url(port), Server(process, supervisor, thread)

    supervisor = thread.call(make())
    try:
        yield thread.call(start(supervisor), 180)
    finally:
        thread.call(supervisor.stop_all())
        thread.close()
