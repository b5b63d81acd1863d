"""All of Relearn on this machine, as one context: servers, topics and tables, workers, API; stopped in reverse."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from relearn.agents.foreign.mapping_file import read_mapping
from relearn.schemas.errors import SettingsError
from relearn.schemas.settings import PREFIX, Settings, read_settings
from relearn.scripts.client.api_state import url
from relearn.scripts.client.environment import read_servers, write_servers
from relearn.scripts.client.migrations import run_migrations
from relearn.scripts.embedded import api as the_api
from relearn.scripts.embedded import keys
from relearn.scripts.embedded.data_dir import DATA_DIR, data_dir_of, only_one, stop_leftovers
from relearn.scripts.embedded.processes.events import Event, OnEvent, ignore
from relearn.scripts.embedded.processes.process import Process, logged
from relearn.scripts.embedded.processes.supervisor import Supervisor
from relearn.scripts.embedded.servers import local, ports
from relearn.scripts.embedded.servers import registry as schema_registry
from relearn.scripts.embedded.servers.secrets import POSTGRES_OWNER_DSN, Secrets

WORKER_READY = "worker_ready"
EXPECTED_WORKERS = PREFIX + "EXPECTED_WORKERS"
SIGNING_KEY, VERIFY_KEYS = PREFIX + "SIGNING_KEY_FILE", PREFIX + "VERIFY_KEYS"


@dataclass(frozen=True)
class Stack:
    """The running deployment. `api`: the address of the HTTP API, or None."""

    settings: Settings
    supervisor: Supervisor
    embedded: tuple[str, ...]
    workers: tuple[str, ...]
    api: str | None = None


@asynccontextmanager
async def running(
    environment: Mapping[str, str],
    *,
    score: int = 2,
    store: int = 1,
    feedback: int = 1,
    retrain: int = 1,
    results: int = 0,
    api: bool = False,
    registry: bool = False,
    on_event: OnEvent = ignore,
) -> AsyncIterator[Stack]:
    """Runs everything during the block, and stops it in reverse order afterwards, also after an error.

    `registry`: a schema registry as well.

    A server whose address is in `environment` is used and not started. Workers may not be ready when the block begins:
    score waits for a first model. The API, if enabled, serves by then. The first cancellation stops all in order, the
    second kills all.

    Raises:
        SettingsError, SetupError: a part can't be started, and why.
        Refused: another supervisor is at work in this data directory.
    """
    data_dir = data_dir_of(environment)
    _check(environment)
    with only_one(data_dir):
        await _stop_leftovers(data_dir, on_event)
        if api:
            the_api.check_port(environment)
        wanted = local.embedded(environment)
        supervisor = Supervisor(data_dir, on_event)
        try:
            last = read_servers(data_dir)
            secrets = Secrets.of(last)
            await local.prepare(data_dir, wanted, secrets, on_event)
            async with ports.choosing():
                at = local.choose_ports(wanted, last, on_event)
                await supervisor.start(*local.describe(data_dir, wanted, at, secrets, environment))
            roles = {"score": score, "store": store, "feedback": feedback, "retrain": retrain}
            if results:
                roles["results"] = results
            expected = ",".join(f"{role}={count}" for role, count in roles.items())
            addresses = {EXPECTED_WORKERS: expected, **at.settings(wanted, secrets)}
            if registry and not environment.get(schema_registry.SETTING):
                addresses |= await _start_registry(data_dir, last, environment, supervisor, on_event)
            chosen, signing = _settle(data_dir, addresses, environment)
            await run_migrations(read_settings(chosen))
            chosen.pop(POSTGRES_OWNER_DSN, None)  # for migrations only
            workers = [
                worker(role, i + 1, {**chosen, **signing} if role == "retrain" else chosen, data_dir)
                for role, count in roles.items()
                for i in range(count)
            ]
            await supervisor.start(*workers)
            if api:
                async with ports.choosing():
                    at_port = {the_api.PORT_SETTING: str(the_api.choose_port(environment, last, on_event))}
                    write_servers(data_dir, {**read_servers(data_dir), **at_port})
                    chosen |= at_port
                    await supervisor.start(the_api.server(chosen, data_dir / "logs" / "api.log"))
            settings = read_settings(chosen)
            names = tuple(process.name for process in workers)
            yield Stack(settings, supervisor, tuple(wanted), names, url(settings) if api else None)
        finally:
            await supervisor.stop_all()


async def _start_registry(
    data_dir: Path, last: Mapping[str, str], environment: Mapping[str, str], supervisor: Supervisor, on_event: OnEvent
) -> dict[str, str]:
    """Start the schema registry; the setting with its address."""
    await schema_registry.prepare(data_dir, on_event)
    async with ports.choosing():
        before = urlsplit(last.get(schema_registry.SETTING, "")).port
        port = ports.choose(schema_registry.PORT, last=before)
        plain = {name: value for name, value in environment.items() if not name.startswith(PREFIX)}
        await supervisor.start(schema_registry.server(data_dir, port, data_dir / "logs" / "registry.log", plain))
    return {schema_registry.SETTING: schema_registry.url(port)}


def worker(role: str, number: int, environment: Mapping[str, str], data_dir: Path) -> Process:
    """One worker process. It logs `worker_ready` once it processes messages; the start doesn't wait for that."""
    name = f"{role}-{number}"
    log_path = data_dir / "logs" / f"{name}.log"
    return Process(
        name=name,
        # -P: modules in the working directory must not be imported.
        argv=(sys.executable, "-P", "-m", "relearn.scripts", "worker", role, "--id", name),
        cwd=Path.cwd(),
        log_path=log_path,
        ready=logged(log_path, WORKER_READY),
        env=environment,
        ready_timeout_s=None,
    )


def _check(environment: Mapping[str, str]) -> None:
    """Raise settings errors before anything starts."""
    read_mapping(read_settings(environment))
    if bool(environment.get(SIGNING_KEY)) != bool(environment.get(VERIFY_KEYS)):
        raise SettingsError(f"{SIGNING_KEY} and {VERIFY_KEYS} belong together: give both or neither")


def _settle(
    data_dir: Path, addresses: Mapping[str, str], environment: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """The settings for every child, also written for other commands, and the signing key's for retrain only."""
    if environment.get(SIGNING_KEY):
        signing_key, verify_keys = environment[SIGNING_KEY], environment[VERIFY_KEYS]
    else:
        signing_key, verify_keys = (str(path) for path in keys.ensure_pair(data_dir / "keys"))
    found = {**addresses, VERIFY_KEYS: verify_keys}
    write_servers(data_dir, found)
    rest = {name: value for name, value in environment.items() if name not in found and name != SIGNING_KEY}
    return {**rest, **found, DATA_DIR: str(data_dir)}, {SIGNING_KEY: signing_key}


async def _stop_leftovers(data_dir: Path, on_event: OnEvent) -> None:
    for name in await asyncio.to_thread(stop_leftovers, data_dir):
        on_event(Event("note", name, "was left running by a start that was killed: stopped it"))
