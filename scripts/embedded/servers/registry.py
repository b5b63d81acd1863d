"""One schema registry (Apicurio) on loopback, for `relearn up --registry`: fetched at its first start, about 109 MB.

It is kept beside Kafka's jars. Its schemas are in `<data_dir>/registry`: their ids are the same after a restart.
"""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from relearn.schemas.errors import SetupError
from relearn.schemas.settings import PREFIX
from relearn.scripts.client.private_files import make_private, untrusted
from relearn.scripts.embedded.processes.events import Event, OnEvent
from relearn.scripts.embedded.processes.process import Process
from relearn.scripts.embedded.servers import jars, kafka
from relearn.scripts.embedded.servers.ports import LOOPBACK

NAME = "registry"
PORT = 18081
SETTING = PREFIX + "SCHEMA_REGISTRY_URL"
VERSION = "3.0.9"
SHA256 = "2b28181501a20cbf6efcd77f9b7153908fc01f3d3a7c32024c0bd9e1b04c8a43"
#: Where its API is that is Confluent's.
API = "/apis/ccompat/v7"
MEMORY = ("-Xmx400m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError")
_GROUP, _ARTIFACT = "io.apicurio", "apicurio-registry-app"
_RUNNER = f"{_ARTIFACT}-{VERSION}-runner.jar"


def url(port: int) -> str:
    """The value of `RELEARN_SCHEMA_REGISTRY_URL` for this server."""
    return f"http://{LOOPBACK}:{port}{API}"


def home() -> Path:
    """The directory of the program."""
    return jars.home().with_name(f"apicurio-{VERSION}")


async def prepare(data_dir: Path, on_event: OnEvent) -> None:
    """Fetch the program, if that hasn't been done, and make its data directory.

    Raises:
        SetupError: a package is missing, the disk or network fails, or another user could change the program.
    """
    directory = home()
    if not (directory / _RUNNER).exists():
        on_event(Event("making", NAME, "fetching the schema registry (≈ 109 MB)"))
        await asyncio.to_thread(_fetch, directory)
    _check_trusted(directory)
    for made in (data_dir / NAME, data_dir / NAME / kafka.SCRATCH):
        make_private(made)


def _check_trusted(directory: Path) -> None:
    """Return if no other user may change the program: Java runs what is in it."""
    environment = Path(sys.prefix).stat().st_uid
    for path in (directory, directory / _RUNNER, *(directory / "lib").iterdir()):
        if reason := untrusted(path, environment):
            raise SetupError(f"{path}: {reason}, so it isn't run; delete {directory}, and relearn fetches it again")


def server(data_dir: Path, port: int, log_path: Path, environment: Mapping[str, str]) -> Process:
    """The server, after `prepare`."""
    plain = {name: value for name, value in environment.items() if not name.startswith(("JAVA_", "JDK_", "_JAVA"))}
    settings = {
        "QUARKUS_HTTP_HOST": LOOPBACK,
        "QUARKUS_HTTP_PORT": str(port),
        "QUARKUS_HTTP_ACCESS_LOG_ENABLED": "false",
        "APICURIO_DATASOURCE_URL": "jdbc:h2:file:./schemas",
    }
    return Process(
        name=NAME,
        argv=(str(kafka.java()), *MEMORY, *kafka.PRIVATE_JAVA, "-jar", str(home() / _RUNNER)),
        cwd=data_dir / NAME,
        log_path=log_path,
        ready=partial(_answers, port),
        env={**plain, **settings},
        ready_timeout_s=120.0,
    )


async def _answers(port: int, since: int) -> bool:
    return await asyncio.to_thread(_lists_subjects, port)


def _lists_subjects(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", f"{API}/subjects")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _fetch(directory: Path) -> None:
    """Fetch and unpack the program; blocks. It appears as a whole.

    Raises:
        SetupError: no network, no space, or an archive that isn't the one expected.
    """
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="fetching-", dir=directory.parent) as scratch:
            archive = jars.fetch_archive(Path(scratch), _GROUP, _ARTIFACT, VERSION)
            actual = hashlib.sha256(archive.read_bytes()).hexdigest()
            if actual != SHA256:
                raise SetupError(f"{archive.name} isn't the file that is expected: sha256 {actual}")
            unpacked = Path(scratch) / "unpacked"
            with tarfile.open(archive) as file:
                file.extractall(unpacked, filter="data")
            shutil.rmtree(directory, ignore_errors=True)
            unpacked.rename(directory)
    except (OSError, tarfile.TarError) as exc:
        raise SetupError(f"the schema registry can't be kept in {directory}: {exc}") from exc
