"""The API as a process of its own, for a measurement."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from relearn.schemas.settings import PREFIX, Settings, as_environment
from relearn.scripts.embedded.servers import ports

START_S = 60.0


@asynccontextmanager
async def serving(settings: Settings, *options: str, ready: str = "/readyz") -> AsyncIterator[int]:
    """The port that it listens at while the block runs, from when it answers 200 at `ready` on."""
    port = ports.choose(28_000)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "relearn.scripts", "api", "--port", str(port), *options),
        env={**os.environ, **as_environment(settings), PREFIX + "LOG_LEVEL": "warning"},
    )
    try:
        await until_answering(f"http://127.0.0.1:{port}{ready}", process)
        yield port
    finally:
        await ended(process)


async def until_answering(url: str, process: asyncio.subprocess.Process) -> None:
    """Return once `process` answers 200 at `url`.

    Raises:
        RuntimeError: it ended before.
        TimeoutError: it doesn't within START_S.
    """
    async with asyncio.timeout(START_S), aiohttp.ClientSession() as session:
        while not await _answers(session, url):
            if process.returncode is not None:
                raise RuntimeError(f"what should answer at {url} ended with {process.returncode}")
            await asyncio.sleep(0.1)


async def ended(process: asyncio.subprocess.Process) -> None:
    """Ask it to stop, if it still runs, and wait for that."""
    if process.returncode is None:
        process.terminate()
    await process.wait()


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as response:
            return response.status == 200
    except aiohttp.ClientConnectionError:
        return False
