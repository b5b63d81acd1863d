"""Servers for a measurement: embedded, in a temporary directory, on free ports."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from relearn.schemas.settings import PREFIX, Settings, read_settings
from relearn.scripts.embedded.processes.events import Event
from relearn.scripts.embedded.processes.supervisor import Supervisor
from relearn.scripts.embedded.servers import local, ports
from relearn.scripts.embedded.servers.secrets import Secrets


@contextmanager
def scratch_directory() -> Iterator[Path]:
    """A directory that goes when the block ends."""
    with tempfile.TemporaryDirectory(prefix="relearn-bench-") as directory:
        yield Path(directory)


@asynccontextmanager
async def scratch_servers(directory: Path) -> AsyncIterator[Settings]:
    """Kafka, Postgres and Valkey while the block runs; settings with a namespace of their own."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    wanted = local.embedded(plain)
    supervisor = Supervisor(directory, _ignore)
    try:
        secrets = Secrets.of({})
        await local.prepare(directory, wanted, secrets, _ignore)
        async with ports.choosing():
            at = local.choose_ports(wanted, {}, _ignore)
            await supervisor.start(*local.describe(directory, wanted, at, secrets, plain))
        yield read_settings(
            {
                **at.settings(wanted, secrets),
                PREFIX + "NAMESPACE": f"bench{uuid.uuid4().hex[:6]}",
                PREFIX + "DATA_DIR": str(directory),
            }
        )
    finally:
        await supervisor.stop_all()


def _ignore(_: Event) -> None:
    """The bench prints figures only."""
