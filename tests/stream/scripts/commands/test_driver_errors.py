"""Every verb ends with one line and an exit code for every kind of driver error, and never with a traceback."""

from __future__ import annotations

import pytest

from relearn.agents.kafka import topics
from relearn.schemas.settings import Settings
from relearn.scripts.client import send_and_wait
from tests.support.data import retrains
from tests.support.data.registered import register
from tests.support.data.rows import query
from tests.support.processes.commands import relearn

_LETTER = """
INSERT INTO dead_letters (agent, reason, error, topic, generation, kafka_partition, kafka_offset, record_index, value,
    headers, at)
VALUES ('score', 'invalid', 'no', $1, 1, 0, 7, 0, $2, '[]', now())
"""
#: Verbs that read and write rows.
ROWS = (
    ("model", "train", "--data", "wine", "--timeout", "1"),
    ("model", "list"),
    ("model", "show", "1"),
    ("model", "examples", "1"),
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
#: Verbs that send commands, and wait for their job.
COMMANDS = (
    ("model", "activate", "1", "--timeout", "1"),
    ("model", "rollback", "--timeout", "1"),
    ("model", "hold", "--timeout", "1"),
    ("model", "resume", "--timeout", "1"),
)
SERVERS = (("migrate",), ("status",), ("produce", "wine", "--count", "3"))
#: Runs until it is stopped, where it can begin.
REVIEW = ("review", "--oracle", "wine", "--count", "1")


def with_option(settings: Settings, option: str) -> dict[str, str]:
    """Postgres as it answers with this option of a session."""
    dsn = settings.postgres_dsn
    return {"POSTGRES_DSN": f"{dsn}{'&' if '?' in dsn else '?'}{option}"}


Verbs = tuple[tuple[str, ...], ...]


def faults(settings: Settings) -> dict[str, tuple[dict[str, str], Verbs]]:
    """Settings with which each driver fails in another way, and the verbs that meet it."""
    database, _, _ = settings.postgres_dsn.rpartition("/")
    valkey = settings.redis_url.rpartition("@")[2].removeprefix("redis://").partition("/")[0]
    away = {"KAFKA_BROKERS": "127.0.0.1:1", "REDIS_URL": "redis://127.0.0.1:1/0"}
    return {
        "read-only": (with_option(settings, "default_transaction_read_only=on"), (*ROWS, *COMMANDS, *SERVERS)),
        "slower than its timeout": (with_option(settings, "statement_timeout=1"), (*ROWS, *SERVERS[:2])),
        "another namespace": ({"NAMESPACE": "never-made"}, (*ROWS[:4], COMMANDS[2], REVIEW, SERVERS[2])),
        "no such database": ({"POSTGRES_DSN": f"{database}/never_made"}, (*ROWS[:4], REVIEW, SERVERS[1])),
        "unknown option": (with_option(settings, "no_such_option=1"), (ROWS[1], *SERVERS[:2])),
        "not Postgres": ({"POSTGRES_DSN": f"postgresql://postgres@{valkey}/postgres"}, (ROWS[1], REVIEW, SERVERS[1])),
        "not Kafka": ({"KAFKA_BROKERS": valkey}, (COMMANDS[2], *SERVERS)),
        "not Redis": ({"REDIS_URL": f"redis://{settings.kafka_brokers[0]}/0"}, (COMMANDS[2], SERVERS[1])),
        "away": ({**away, "POSTGRES_DSN": "postgresql://postgres@127.0.0.1:1/x"}, (ROWS[0], REVIEW, *SERVERS)),
    }


@pytest.mark.long
def test_every_verb_ends_with_a_line_whatever_the_driver_raises(
    migrated: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exit code is that of a failure unless the verb does without the driver at fault."""
    monkeypatch.setattr(send_and_wait, "_GIVE_UP_S", 0.5)
    monkeypatch.setattr(topics, "_TIMEOUT_S", 1.0)
    retrains.load(migrated)
    register(migrated)
    query(migrated, _LETTER, f"{migrated.namespace}.ingest", b"{}")
    for fault, (given, verbs) in faults(migrated).items():
        for argv in verbs:
            done = relearn(migrated, *argv, **given)
            told = done.stdout + done.stderr
            assert "Traceback" not in told, (fault, argv, told)
            assert "librdkafka" not in told, (fault, argv, told)
            assert done.returncode in {0, 1, 2}, (fault, argv, told)
            assert done.returncode == 0 or told.strip(), (fault, argv)
            if done.returncode == 2:
                assert done.stderr.splitlines()[-1].startswith("relearn: "), (fault, argv, done.stderr)
