"""The three servers together: their ports, their preparation, and their settings."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from relearn.schemas.errors import SetupError
from relearn.schemas.settings import PREFIX
from relearn.scripts.embedded.processes.events import Event, OnEvent
from relearn.scripts.embedded.processes.process import Process
from relearn.scripts.embedded.servers import kafka, ports, postgres, valkey
from relearn.scripts.embedded.servers.secrets import POSTGRES_DSN, POSTGRES_OWNER_DSN, REDIS_URL, Secrets

SETTING = {
    kafka.NAME: "RELEARN_KAFKA_BROKERS",
    postgres.NAME: POSTGRES_DSN,
    valkey.NAME: REDIS_URL,
}


#: Variables that no server reads (settings of Relearn, which may be secrets), or that change what it does.
_NOT_THEIRS = (PREFIX, "PG")


@dataclass(frozen=True)
class Ports:
    """The port of each server, on loopback."""

    kafka: int
    controller: int
    postgres: int
    valkey: int

    def settings(self, wanted: Collection[str], secrets: Secrets) -> dict[str, str]:
        """The `RELEARN_…` settings with the addresses of the wanted servers."""
        every = {
            kafka.NAME: {SETTING[kafka.NAME]: kafka.brokers(self.kafka)},
            postgres.NAME: {
                POSTGRES_DSN: postgres.dsn(self.postgres, secrets.application),
                POSTGRES_OWNER_DSN: postgres.dsn(self.postgres, secrets.owner, postgres.OWNER),
            },
            valkey.NAME: {REDIS_URL: valkey.url(self.valkey, secrets.valkey)},
        }
        return {setting: value for name, found in every.items() if name in wanted for setting, value in found.items()}


def embedded(environment: Mapping[str, str]) -> list[str]:
    """The servers to start here: those without a setting."""
    return [name for name, setting in SETTING.items() if not environment.get(setting)]


def choose_ports(wanted: Collection[str], last: Mapping[str, str], on_event: OnEvent) -> Ports:
    """Free ports for the wanted servers, first those of the last start; reports ports that were taken."""
    taken: list[int] = []

    def one(name: str, server: str, usual: int) -> int:
        if server not in wanted:
            return usual
        before = _port(last.get(SETTING[name], "")) if name in SETTING else None
        port = ports.choose(usual, last=before, taken=taken)
        taken.append(port)
        if port != (before or usual):
            on_event(Event("note", name, f"port {before or usual} is taken, so it listens on {port} instead"))
        return port

    return Ports(
        controller=one("kafka's controller", kafka.NAME, kafka.CONTROLLER_PORT),
        kafka=one(kafka.NAME, kafka.NAME, kafka.PORT),
        postgres=one(postgres.NAME, postgres.NAME, postgres.PORT),
        valkey=one(valkey.NAME, valkey.NAME, valkey.PORT),
    )


async def prepare(data_dir: Path, wanted: Collection[str], secrets: Secrets, on_event: OnEvent) -> None:
    """Prepare the wanted servers' data directories concurrently.

    Raises:
        SetupError: a package is missing, or the disk or network fails.
    """
    try:
        async with asyncio.TaskGroup() as making:
            if kafka.NAME in wanted:
                making.create_task(kafka.prepare(data_dir, on_event))
            if postgres.NAME in wanted:
                making.create_task(postgres.prepare(data_dir, secrets, on_event))
            if valkey.NAME in wanted:
                valkey.prepare(data_dir)
    except* SetupError as group:
        raise group.exceptions[0] from None
    except* OSError as group:
        raise SetupError(f"{data_dir} can't be used: {group.exceptions[0]}") from group


def describe(
    data_dir: Path, wanted: Collection[str], at: Ports, secrets: Secrets, environment: Mapping[str, str]
) -> list[Process]:
    """The wanted servers, after `prepare`, for the supervisor to start."""
    logs = data_dir / "logs"
    plain = {name: value for name, value in environment.items() if not name.startswith(_NOT_THEIRS)}
    found = []
    if kafka.NAME in wanted:
        found.append(kafka.server(data_dir, at.kafka, at.controller, logs / "kafka.log", plain))
    if postgres.NAME in wanted:
        found.append(postgres.server(data_dir, at.postgres, secrets, logs / "postgres.log", plain))
    if valkey.NAME in wanted:
        found.append(valkey.server(data_dir, at.valkey, secrets.valkey, logs / "valkey.log", plain))
    return found


def _port(address: str) -> int | None:
    try:
        return urlsplit(address if "://" in address else f"//{address}").port
    except ValueError:
        return None
