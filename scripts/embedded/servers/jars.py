"""Kafka's jars. `kafka-jars.lock` names each by Maven coordinate and sha256; they are fetched once and checked.

They are kept beside the Python packages (`.venv/share/relearn`), so that every data directory and test run of a clone
shares them; outside a virtual environment in the user's cache directory. Each is written atomically.

`python -m relearn.scripts.embedded.servers.jars` resolves the coordinates again and prints a lock (`make lock`).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relearn.schemas.errors import SetupError
from relearn.scripts.client.private_files import untrusted
from relearn.scripts.extras import import_extra

KAFKA = "4.3.1"
# The "!" keeps log4j's parent, which names versions for its own tests, from choosing the versions of Kafka's jars.
COORDINATES = f"org.apache.kafka:kafka_2.13:{KAFKA}+org.apache.logging.log4j:log4j-slf4j-impl:2.25.4!"
LOCK = Path(__file__).with_name("kafka-jars.lock")
ATTEMPTS = 3
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True)
class Jar:
    """One line of the lock."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def filename(self) -> str:
        return f"{self.artifact}-{self.version}.jar"


def locked(lock: Path = LOCK) -> list[Jar]:
    """The jars of Kafka's class path."""
    lines = [line for line in lock.read_text().splitlines() if line and not line.startswith("#")]
    return [Jar(*line.replace(":", " ").split()) for line in lines]


def home() -> Path:
    """The directory of the jars."""
    beside_packages = Path(sys.prefix) / "share"
    if sys.prefix != sys.base_prefix and os.access(sys.prefix, os.W_OK):
        return beside_packages / "relearn" / f"kafka-{KAFKA}"
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "relearn" / f"kafka-{KAFKA}"


def class_path() -> str:
    """The jars of the lock, and no other file that may be in their directory."""
    return os.pathsep.join(str(home() / jar.filename) for jar in locked())


def check_trusted(directory: Path) -> None:
    """Return if no other user may change the jars: Java runs what is in them. Closes the directory, if it is ours.

    The owner of the Python environment is trusted too: its code runs here already.

    Raises:
        SetupError: another user owns the directory or a jar.
    """
    environment = Path(sys.prefix).stat().st_uid
    for path in (directory, *(directory / jar.filename for jar in locked())):
        info = path.stat()
        if info.st_uid == os.geteuid() and info.st_mode & _OTHERS_WRITE:
            path.chmod(stat.S_IMODE(info.st_mode) & ~_OTHERS_WRITE)
        if reason := untrusted(path, environment):
            raise SetupError(f"{path}: {reason}, so it isn't run; delete {directory}, and relearn fetches it again")


def missing(directory: Path) -> list[Jar]:
    """The jars of the lock that are missing."""
    return [jar for jar in locked() if not (directory / jar.filename).exists()]


def fetch(directory: Path, on_progress: Callable[[int, int], None], stopped: Callable[[], bool]) -> None:
    """Fetch missing jars, calling `on_progress(done, total)`; blocks. Gives up between two jars once `stopped()`.

    Raises:
        SetupError: no network, no space, or a jar that isn't the one in the lock.
    """
    wanted = missing(directory)
    total = len(locked())
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="fetching-", dir=directory.parent) as scratch:
            context = _maven(Path(scratch))
            with ThreadPoolExecutor(8) as pool:
                jobs = [pool.submit(_fetch_one, context, jar, directory, stopped) for jar in wanted]
                for done, job in enumerate(as_completed(jobs), start=total - len(wanted) + 1):
                    job.result()
                    on_progress(done, total)
    except OSError as exc:
        raise SetupError(f"Kafka's jars can't be kept in {directory}: {exc}") from exc


def _fetch_one(context: Any, jar: Jar, directory: Path, stopped: Callable[[], bool]) -> None:
    import requests  # noqa: PLC0415 - comes with jgo, which is optional

    for attempt in range(1, ATTEMPTS + 1):
        if stopped():
            return
        try:
            found = context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
        except (requests.RequestException, RuntimeError, AssertionError) as exc:
            shutil.rmtree(context.repo_cache / jar.group.replace(".", "/") / jar.artifact, ignore_errors=True)
            if attempt == ATTEMPTS:
                raise SetupError(
                    f"{jar.filename} can't be fetched ({exc}). Starting Kafka for the first time needs the network, "
                    "once; or set RELEARN_KAFKA_BROKERS to a Kafka of your own"
                ) from exc
            continue
        actual = hashlib.sha256(found.read_bytes()).hexdigest()
        if actual != jar.sha256:
            raise SetupError(f"{jar.filename} isn't the file that {LOCK.name} names: sha256 {actual}")
        found.replace(directory / jar.filename)
        return


def fetch_archive(cache: Path, group: str, artifact: str, version: str) -> Path:
    """The `all` archive (tar.gz) of a Maven coordinate, in `cache`; blocks.

    Raises:
        SetupError: no network.
        OSError: no space.
    """
    import requests  # noqa: PLC0415 - comes with jgo, which is optional

    try:
        found: Path = _maven(cache).project(group, artifact).at_version(version).artifact("all", "tar.gz").resolve()
    except (requests.RequestException, RuntimeError, AssertionError) as exc:
        raise SetupError(f"{artifact} {version} can't be fetched ({exc}); its first start needs the network") from exc
    return found


def _maven(cache: Path) -> Any:
    return import_extra("jgo.maven", "embedded", "jgo is missing").MavenContext(repo_cache=cache, timeout=30)


def _print_lock() -> None:
    import jgo  # noqa: PLC0415

    artifacts = sorted(jgo.resolve(COORDINATES), key=lambda a: (a.groupId, a.artifactId))
    with tempfile.TemporaryDirectory() as scratch:
        context = _maven(Path(scratch))
        sys.stdout.write(f"# {COORDINATES}\n")
        for a in artifacts:
            found = context.project(a.groupId, a.artifactId).at_version(a.version).artifact().resolve()
            sha256 = hashlib.sha256(found.read_bytes()).hexdigest()
            sys.stdout.write(f"{a.groupId}:{a.artifactId}:{a.version} {sha256}\n")


if __name__ == "__main__":
    _print_lock()
