"""The same code on servers with passwords and TLS: settings alone lead to them, and a wrong one is named."""

from __future__ import annotations

import asyncio
import json
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import ResourceType

from relearn.agents.kafka.config import librdkafka_config
from relearn.schemas.messages.ingest import encode_record
from relearn.schemas.settings import Settings, read_settings
from relearn.schemas.topics import topic_name
from relearn.scripts.client.migrations import run_migrations
from tests.support.data import models
from tests.support.data.heartbeats import heartbeats
from tests.support.data.rows import caught_up, query
from tests.support.processes.commands import relearn
from tests.support.processes.workers import workers
from tests.support.servers.certificates import Authority
from tests.support.servers.secured import PASSWORD, SecuredServers
from tests.support.waiting import eventually

WAYS = [
    pytest.param("SASL_SSL", "SCRAM-SHA-512", id="scram-tls"),
    pytest.param("SSL", "PLAIN", id="client-certificate", marks=pytest.mark.long),
    pytest.param("SASL_SSL", "PLAIN", id="plain-tls", marks=pytest.mark.long),
    pytest.param("SASL_PLAINTEXT", "SCRAM-SHA-256", id="scram", marks=pytest.mark.long),
]


@pytest.fixture(scope="module")
def secured() -> Iterator[SecuredServers]:
    with tempfile.TemporaryDirectory(prefix="relearn-tests-") as directory:
        running = SecuredServers(Path(directory))
        yield running
        running.close()


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that signed none of the servers' certificates."""
    return Authority(tmp_path_factory.mktemp("stranger") / "certificates", "a stranger")


def settings_for(secured: SecuredServers, directory: Path, protocol: str, mechanism: str = "PLAIN") -> Settings:
    """Settings of an unused namespace."""
    own = {"RELEARN_NAMESPACE": f"t{uuid.uuid4().hex[:8]}", "RELEARN_DATA_DIR": str(directory / "data")}
    return read_settings({**secured.settings(protocol, mechanism), **own})


@pytest.mark.parametrize(("protocol", "mechanism"), WAYS)
def test_records_become_rows_over_secured_connections(
    secured: SecuredServers, tmp_path: Path, protocol: str, mechanism: str
) -> None:
    """Migration, model feed, both workers, their heartbeats and the status: librdkafka, aiokafka, asyncpg, redis-py."""
    settings = settings_for(secured, tmp_path, protocol, mechanism)
    asyncio.run(run_migrations(settings))
    models.publish(settings, models.a_model(), 1)
    producer = Producer(librdkafka_config(settings))
    for number in range(20):
        record = encode_record(np.full(4, float(number)), subject="s", record_id=f"r-{number}")
        producer.produce(topic_name(settings.namespace, "ingest"), record)
    assert producer.flush(30) == 0
    with workers(settings, score=1, store=1) as running:
        for worker in running.values():
            worker.wait_for("worker_ready")
        eventually(lambda: len(ids(settings)) == 20, lambda: f"{ids(settings)}\n{running['score-1'].log[-3000:]}")
        assert ids(settings) == {f"r-{number}" for number in range(20)}
        eventually(lambda: heard_of(settings) == {"score-1": 1, "store-1": None}, lambda: f"{heard_of(settings)}")
        eventually(lambda: caught_up(settings, "score", "ingest"), "score has committed nothing")
        status = relearn(settings, "status", "--json")
    condition = json.loads(status.stdout)
    assert (status.returncode, condition["up"], condition["down"]) == (0, True, []), status.stderr
    assert {server["state"] for server in condition["servers"].values()} == {"up"}
    assert {worker["id"] for worker in condition["workers"]} == {"score-1", "store-1"}
    assert condition["totals"]["records"] == 20


def ids(settings: Settings) -> set[str]:
    return {row["id"] for row in query(settings, "SELECT id FROM predictions WHERE subject = 's'")}


def heard_of(settings: Settings) -> dict[str, int | None]:
    """The workers that say they are ready, and the activation that each serves."""

    beats = heartbeats(settings).values()
    return {beat["id"]: beat["activation"] for beat in beats if beat["condition"] == "ready"}


Wrong = Callable[[SecuredServers, Authority], dict[str, str]]

WRONG: dict[str, tuple[str, Wrong, str]] = {
    "Kafka's password": (
        "kafka",
        lambda secured, stranger: {"KAFKA_SASL_PASSWORD": "wrong"},
        "RELEARN_KAFKA_SASL_USERNAME",
    ),
    "Kafka's authority": (
        "kafka",
        lambda secured, stranger: {"KAFKA_SSL_CA_FILE": str(stranger.file)},
        "RELEARN_KAFKA_SSL_CA_FILE",
    ),
    "Kafka's protocol": (
        "kafka",
        lambda secured, stranger: {"KAFKA_SECURITY_PROTOCOL": "PLAINTEXT"},
        "RELEARN_KAFKA_SECURITY_PROTOCOL",
    ),
    "a file that isn't there": (
        "kafka",
        lambda secured, stranger: {"KAFKA_SSL_CA_FILE": "nowhere.pem"},
        "RELEARN_KAFKA_SSL_CA_FILE: nowhere.pem can't be used",
    ),
    "Postgres' password": (
        "postgres",
        lambda secured, stranger: {"POSTGRES_DSN": secured.dsn(password="wrong")},
        "RELEARN_POSTGRES_DSN",
    ),
    "Postgres' authority": (
        "postgres",
        lambda secured, stranger: {"POSTGRES_DSN": secured.dsn(ca=stranger.file)},
        "certificate verify failed",
    ),
    "Postgres' sslmode": (
        "postgres",
        lambda secured, stranger: {"POSTGRES_DSN": secured.dsn().replace("verify-full", "always")},
        "RELEARN_POSTGRES_DSN: `sslmode` parameter must be one of",
    ),
    "Redis' password": (
        "valkey",
        lambda secured, stranger: {"REDIS_URL": secured.redis_url(password="wrong")},
        "RELEARN_REDIS_URL: invalid username-password pair",
    ),
    "Redis' authority": (
        "valkey",
        lambda secured, stranger: {"REDIS_URL": secured.redis_url(ca=stranger.file)},
        "certificate verify failed",
    ),
    "a misspelt option": (
        "valkey",
        lambda secured, stranger: {"REDIS_URL": secured.redis_url().replace("ssl_ca_certs", "ssl_ca_cert")},
        "'ssl_ca_cert'",
    ),
}
SETTING = {"kafka": "RELEARN_KAFKA_", "postgres": "RELEARN_POSTGRES_DSN", "valkey": "RELEARN_REDIS_URL"}


#: Kafka's clients retry until their timeout.
SLOW = {"Kafka's authority", "Kafka's protocol"}


@pytest.mark.parametrize(
    "wrong", [pytest.param(wrong, marks=[pytest.mark.long] if wrong in SLOW else []) for wrong in WRONG]
)
def test_status_names_the_setting_that_is_wrong(
    secured: SecuredServers, stranger: Authority, tmp_path: Path, wrong: str
) -> None:
    server, given, said = WRONG[wrong]
    settings = settings_for(secured, tmp_path, "SASL_SSL", "SCRAM-SHA-512")
    done = relearn(settings, "status", "--json", **given(secured, stranger))
    assert (done.returncode, done.stderr) == (1, "")
    error = json.loads(done.stdout)["servers"][server]["error"]
    assert SETTING[server] in error
    assert said in error
    assert PASSWORD not in error


@pytest.mark.parametrize(
    "wrong", [pytest.param("Kafka's password", marks=pytest.mark.long), "Postgres' password", "Postgres' authority"]
)
def test_migrate_names_the_setting_that_is_wrong_in_one_line(
    secured: SecuredServers, stranger: Authority, tmp_path: Path, wrong: str
) -> None:
    server, given, said = WRONG[wrong]
    settings = settings_for(secured, tmp_path, "SASL_SSL", "SCRAM-SHA-512")
    done = relearn(settings, "migrate", **given(secured, stranger))
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("relearn: ")
    assert SETTING[server] in line
    assert said in line


@pytest.mark.long
def test_a_missing_right_is_told_and_waited_for(secured: SecuredServers, tmp_path: Path) -> None:
    """The right to a group, and to write to a topic: no worker ends, and each goes on once it has the right."""
    settings = settings_for(secured, tmp_path, "SASL_PLAINTEXT")
    asyncio.run(run_migrations(settings))
    models.publish(settings, models.a_model(), 1)
    group = (ResourceType.GROUP, f"{settings.namespace}.score")
    topic = (ResourceType.TOPIC, topic_name(settings.namespace, "predictions"))

    def notices() -> list[str]:
        return [notice["code"] for notice in heartbeats(settings).get("score-1", {}).get("notices", ())]

    with ExitStack() as stack:
        group_forbidden = stack.enter_context(secured.forbidden(group))
        running = stack.enter_context(workers(settings, score=1, store=1))
        eventually(lambda: "group" in notices(), lambda: running["score-1"].log[-3000:])
        group_forbidden()
        running["score-1"].wait_for("worker_ready")
        eventually(lambda: "group" not in notices(), "the notice stays")
        topic_forbidden = stack.enter_context(secured.forbidden(topic))
        producer = Producer(librdkafka_config(settings))
        producer.produce(topic_name(settings.namespace, "ingest"), encode_record(np.ones(4), subject="s"))
        assert producer.flush(30) == 0
        eventually(lambda: "setup" in notices(), lambda: running["score-1"].log[-3000:])
        topic_forbidden()
        eventually(
            lambda: len(query(settings, "SELECT 1 FROM predictions")) == 1, lambda: running["score-1"].log[-3000:]
        )
        eventually(lambda: notices() == [], lambda: str(notices()))
        assert all(one.running and "event=crashed" not in one.log for one in running.values())
