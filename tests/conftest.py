"""Fixtures that every room of the tests may use."""

from __future__ import annotations

import asyncio
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from relearn.schemas.settings import Settings, read_settings
from relearn.schemas.topics import topic_specs
from relearn.scripts.client.migrations import run_migrations
from tests.support.servers.embedded import Servers
from tests.support.size import FULL

# Seeded, and without a clock: a slow machine is no failure. `make long` looks ten times as far, at random.
SLOW = [hypothesis.HealthCheck.too_slow]
hypothesis.settings.register_profile("seeded", derandomize=True, deadline=None, suppress_health_check=SLOW)
hypothesis.settings.register_profile("long", max_examples=1000, deadline=None, suppress_health_check=SLOW)
hypothesis.settings.load_profile("long" if FULL else "seeded")


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Kafka, Postgres and Valkey for the whole session. A test that takes one away brings it back."""
    # Not pytest's own directory: under root, Postgres runs as another user, and pytest shuts others out of it.
    with tempfile.TemporaryDirectory(prefix="relearn-tests-") as directory:
        running = Servers(Path(directory))
        yield running
        running.close()


def unused_settings(servers: Servers, directory: Path) -> Settings:
    """Settings of a namespace that nobody has used before, on the real servers; nothing is made in it yet."""
    return read_settings(
        {
            **servers.environment,
            "RELEARN_NAMESPACE": f"t{uuid.uuid4().hex[:8]}",
            "RELEARN_DATA_DIR": str(directory / "data"),
        }
    )


def fresh_settings(servers: Servers, directory: Path) -> Settings:
    """The same, with its topics and tables made."""
    settings = unused_settings(servers, directory)
    asyncio.run(run_migrations(settings))
    servers.wait_until_led(topic_specs(settings))
    return settings


@pytest.fixture
def settings(servers: Servers, tmp_path: Path) -> Settings:
    """Settings of a namespace that nobody has used before; nothing is made in it yet."""
    return unused_settings(servers, tmp_path)


@pytest.fixture
def migrated(servers: Servers, tmp_path: Path) -> Iterator[Settings]:
    """Settings of a namespace of its own, with its topics and tables made."""
    settings = fresh_settings(servers, tmp_path)
    yield settings
    servers.drop_topics(spec.name for spec in topic_specs(settings))
