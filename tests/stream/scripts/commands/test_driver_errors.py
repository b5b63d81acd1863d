"""Every verb ends with one line and an exit code for every kind of driver error, and never with a traceback."""

from __future__ import annotations

import pytest

from relearn.agents.kafka import topics
from relearn.schemas.settings import Settings
from relearn.scripts.client import command
from tests.support.data import retrains
from tests.support.data.registered import register
from tests.support.data.rows import query
from tests.support.processes.commands import relearn

_LETTER = """
INSERT INTO dead_letters (agent, reason, error, topic, generation, kafka_partition, kafka_offset, record_index, value,
    headers, at)
VALUES ('score', 'invalid', 'no', $1, 1, 0, 7, 0, $2, '[]', now())
"""
#: Verbs with their arguments, those that ask Postgres first and those that ask Kafka.
VERBS = (
    ("migrate",),
    ("status",),
    ("produce", "wine", "--count", "3"),
    ("review", "--oracle", "wine", "--count", "1"),
    ("model", "train", "--data", "wine", "--timeout", "1"),
    ("model", "list"),
    ("model", "show", "1"),
    ("model", "examples", "1"),
    ("model", "activate", "1", "--timeout", "1"),
    ("model", "rollback", "--timeout", "1"),
    ("model", "hold", "--timeout", "1"),
    ("model", "resume", "--timeout", "1"),
    ("job", "list"),
    ("job", "show", "nothing"),
    ("dlq", "list"),
    ("dlq", "show", "1"),
    ("dlq", "redrive", "--all", "--yes"),
    ("dlq", "resume"),
    ("replay", "--from", "2h", "--to", "1h", "--model", "1"),
    ("key", "create", "--role", "read", "--name", "ann"),
    ("key", "list"),
    ("key", "revoke", "ann"),
)


def with_option(settings: Settings, option: str) -> dict[str, str]:
    """Postgres as it answers with this option of a session."""
    dsn = settings.postgres_dsn
    return {"POSTGRES_DSN": f"{dsn}{'&' if '?' in dsn else '?'}{option}"}


def faults(settings: Settings) -> dict[str, dict[str, str]]:
    """Settings with which each driver fails in another way."""
    return {
        "read-only": with_option(settings, "default_transaction_read_only=on"),
        "slower than its timeout": with_option(settings, "statement_timeout=1"),
        "another schema": {"NAMESPACE": "never-made"},
        "no such database": {"POSTGRES_DSN": settings.postgres_dsn.rsplit("/", 1)[0] + "/never_made"},
        "unknown option": with_option(settings, "no_such_option=1"),
        "not Postgres": {"POSTGRES_DSN": f"postgresql://postgres@{settings.kafka_brokers[0]}/postgres"},
        "not Kafka": {"KAFKA_BROKERS": settings.redis_url.split("@")[-1].removeprefix("redis://").split("/")[0]},
        "not Redis": {"REDIS_URL": f"redis://{settings.kafka_brokers[0]}/0"},
        "everything away": {
            "POSTGRES_DSN": "postgresql://postgres@127.0.0.1:1/postgres",
            "KAFKA_BROKERS": "127.0.0.1:1",
            "REDIS_URL": "redis://127.0.0.1:1/0",
        },
    }


def test_every_verb_ends_with_a_line_whatever_the_driver_raises(
    migrated: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exit code is that of a failure unless the verb does without the driver at fault."""
    monkeypatch.setattr(command, "_GIVE_UP_S", 0.5)
    monkeypatch.setattr(topics, "_TIMEOUT_S", 1.0)
    retrains.load(migrated)
    register(migrated)
    query(migrated, _LETTER, f"{migrated.namespace}.ingest", b"{}")
    for fault, given in faults(migrated).items():
        for argv in VERBS:
            done = relearn(migrated, *argv, **given)
            told = done.stdout + done.stderr
            assert "Traceback" not in told, (fault, argv, told)
            assert done.returncode in {0, 1, 2}, (fault, argv, told)
            assert done.returncode == 0 or told.strip(), (fault, argv)
            if done.returncode == 2:
                assert done.stderr.splitlines()[-1].startswith("relearn: "), (fault, argv, done.stderr)
