"""All of Relearn on this machine, as one context: servers, then topics and tables, then workers; and back again."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from schemas.settings import PREFIX, Settings, read_settings
from scripts.embedded import keys, runfile, servers
from scripts.embedded.events import Event, OnEvent, ignore
from scripts.embedded.process import Process, logged
from scripts.embedded.supervisor import Supervisor
from scripts.environment import read_servers, write_servers

WORKER_READY = "worker_ready"
SIGNING_KEY, VERIFY_KEYS, DATA_DIR = PREFIX + "SIGNING_KEY_FILE", PREFIX + "VERIFY_KEYS", PREFIX + "DATA_DIR"


@dataclass(frozen=True)
class Stack:
    """What is up."""

    settings: Settings
    supervisor: Supervisor
    embedded: tuple[str, ...]
    workers: tuple[str, ...]


@asynccontextmanager
async def running(
    environment: Mapping[str, str],
    *,
    score: int = 2,
    store: int = 1,
    retrain: int = 1,
    on_event: OnEvent = ignore,
) -> AsyncIterator[Stack]:
    """Everything up while the block runs; stopped in reverse when it is left, however it is left.

    A server whose setting is in `environment` isn't started here: that one is used. Workers may not be ready yet when
    the block begins: score waits for a first model. Cancelled once, all is stopped in order; cancelled twice, killed.

    Raises:
        SettingsError, SetupError: it can't be started, and why.
        Refused: another supervisor is at work in this data directory.
    """
    data_dir = data_dir_of(environment)
    read_settings(environment)  # what is wrong in it is said before anything starts
    with runfile.only_one(data_dir):
        await _stop_leftovers(data_dir, on_event)
        wanted = servers.embedded(environment)
        at = servers.choose_ports(wanted, read_servers(data_dir), on_event)
        chosen = {**environment, **at.settings(wanted), DATA_DIR: str(data_dir)}
        supervisor = Supervisor(data_dir, on_event)
        try:
            await supervisor.start(*await servers.prepare(data_dir, wanted, at, environment, on_event))
            write_servers(data_dir, at.settings(wanted))
            signing, verify = keys.ensure_pair(data_dir / "keys")
            chosen = {SIGNING_KEY: str(signing), VERIFY_KEYS: str(verify), **_given(chosen)}
            settings = read_settings(chosen)
            await _migrate(settings)
            roles = {"score": score, "store": store, "retrain": retrain}
            workers = [worker(role, i + 1, chosen, data_dir) for role, count in roles.items() for i in range(count)]
            await supervisor.start(*workers)
            yield Stack(settings, supervisor, tuple(wanted), tuple(process.name for process in workers))
        finally:
            await supervisor.stop_all()


def data_dir_of(environment: Mapping[str, str]) -> Path:
    """The data directory, absolute: workers and later starts may have another working directory."""
    return Path(environment.get(DATA_DIR) or ".relearn").absolute()


def worker(role: str, number: int, environment: Mapping[str, str], data_dir: Path) -> Process:
    """One worker; all but retrain do without the key that signs."""
    name = f"{role}-{number}"
    log_path = data_dir / "logs" / f"{name}.log"
    return Process(
        name=name,
        # -P: the working directory, which may hold anything, is no place to import from.
        argv=(sys.executable, "-P", "-m", "scripts", "worker", role, "--id", name),
        cwd=Path.cwd(),
        log_path=log_path,
        ready=logged(log_path, WORKER_READY),
        env={k: v for k, v in environment.items() if role == "retrain" or k != SIGNING_KEY},
        ready_timeout_s=None,
    )


def _given(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if not (name.startswith(PREFIX) and value == "")}


async def _stop_leftovers(data_dir: Path, on_event: OnEvent) -> None:
    for name in await asyncio.to_thread(runfile.stop_leftovers, data_dir):
        on_event(Event("note", name, "was left running by a start that was killed: stopped it"))


async def _migrate(settings: Settings) -> None:
    if importlib.util.find_spec("scripts.migrate") is not None:
        await importlib.import_module("scripts.migrate").run_migrations(settings)
