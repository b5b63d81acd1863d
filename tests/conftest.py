"""Fixtures that every room of the tests may use."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
import structlog

from relearn.agents.stores import redis
from relearn.schemas.settings import Settings
from tests.support.data import rows
from tests.support.servers.class_archive import make_archive
from tests.support.servers.embedded import Servers
from tests.support.servers.namespaces import PARTITIONS, Namespaces
from tests.support.size import FULL
from tests.support.waiting import DEADLINE_S

SLOWEST_FIRST = ("faults", "stream", "web", "api")
_HERE = Path(__file__).parent

# Seeded, and without a clock: a slow machine is no failure. `make long` looks ten times as far, at random.
SLOW = [hypothesis.HealthCheck.too_slow]
hypothesis.settings.register_profile("seeded", derandomize=True, deadline=None, suppress_health_check=SLOW)
hypothesis.settings.register_profile("long", max_examples=1000, deadline=None, suppress_health_check=SLOW)
hypothesis.settings.load_profile("long" if FULL else "seeded")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The rooms whose files take longest come first: at the end there are only small ones to share out."""
    items.sort(key=lambda item: _room(item.path))


def _room(path: Path) -> int:
    name = path.relative_to(_HERE).parts[0]
    return SLOWEST_FIRST.index(name) if name in SLOWEST_FIRST else len(SLOWEST_FIRST)


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Kafka, Postgres and Valkey for the whole session. A test that takes one away brings it back."""
    # Not pytest's own directory: under root, Postgres runs as another user, and pytest shuts others out of it.
    make_archive()
    with tempfile.TemporaryDirectory(prefix="relearn-tests-") as directory:
        running = Servers(Path(directory))
        yield running
        rows.close()
        running.close()


@pytest.fixture(scope="session", autouse=True)
def _patient_with_redis() -> Iterator[None]:
    """Half a second is no failure of Redis where a browser and five workers share two processors.

    Tests of a Redis that doesn't answer open it with a timeout of their own.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(redis, "TIMEOUT_S", DEADLINE_S / 3)
        yield


@pytest.fixture(autouse=True)
def _log_configuration() -> Iterator[None]:
    """A command that ran in this process logs warnings only, and the next test reads what is logged."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.fixture(scope="session")
def namespaces(servers: Servers) -> Namespaces:
    """Topics and tables on those servers, of each test its own."""
    return Namespaces(servers)


@pytest.fixture
def partitions() -> int:
    """How many partitions the topics of a test's namespace have; tests of workers that share them ask for more."""
    return PARTITIONS


@pytest.fixture
def settings(namespaces: Namespaces, tmp_path: Path, partitions: int) -> Settings:
    """Settings of a namespace that was never used; nothing is made in it yet."""
    return namespaces.unused(tmp_path, partitions)


@pytest.fixture
def migrated(namespaces: Namespaces, tmp_path: Path, partitions: int) -> Iterator[Settings]:
    """Settings of a namespace of its own, with its topics and tables made and empty."""
    settings = namespaces.take(tmp_path, partitions)
    yield settings
    namespaces.give_back(settings)
