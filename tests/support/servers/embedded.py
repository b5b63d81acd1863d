"""The real servers for tests: started once per session by the code of `relearn up`, each can be taken away."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from relearn.schemas.topics import TopicSpec
from relearn.scripts.dev.bench.faults.probe import ends_as_created
from relearn.scripts.dev.bench.faults.servers import Machine
from relearn.scripts.embedded.processes.process import Process
from relearn.scripts.embedded.servers import kafka, local, postgres, valkey
from relearn.scripts.embedded.servers.secrets import POSTGRES_OWNER_DSN
from tests.support.servers.class_archive import compiled_quickly, with_archive
from tests.support.waiting import eventually


class Servers(Machine):
    """Kafka, Postgres and Valkey, and where they listen."""

    def __init__(self, data_dir: Path) -> None:
        super().__init__(data_dir, for_tests)
        self._admin = AdminClient({"bootstrap.servers": self.brokers, "log_level": 0})

    @property
    def dsn(self) -> str:
        """Postgres, as an asyncpg DSN."""
        return self.environment[local.SETTING[postgres.NAME]]

    @property
    def owner_dsn(self) -> str:
        """The same as the owner of the tables."""
        return self.environment[POSTGRES_OWNER_DSN]

    @property
    def redis_url(self) -> str:
        """Valkey, as a redis-py address."""
        return self.environment[local.SETTING[valkey.NAME]]

    def wait_until_led(self, topics: Iterable[TopicSpec]) -> None:
        """Until each of their partitions can be written to: a slow broker takes seconds for that once they are made."""
        wanted = list(topics)
        eventually(lambda: None not in ends_as_created(self._admin, wanted), "the topics that were made have no leader")

    def holds_messages(self, topics: Iterable[TopicSpec]) -> bool:
        """Whether one of these topics got a message, or isn't as it was made."""
        return any(end != 0 for end in ends_as_created(self._admin, topics))

    def drop_topics(self, names: Iterable[str]) -> None:
        """Topics that no test needs any more: a restarted broker reads all its topics."""
        for future in self._admin.delete_topics(list(names)).values():
            try:
                future.result()
            except KafkaException as exc:
                if exc.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                    raise


def for_tests(process: Process) -> Process:
    """The same server for a short life.

    Kafka is compiled quickly rather than well, which costs it half the processor time. Postgres doesn't wait for the
    disk: tests kill the server and never the machine, whose memory keeps what the server has written.
    """
    if process.name == kafka.NAME:
        return with_archive(compiled_quickly(process))
    if process.name == postgres.NAME:
        return replace(process, argv=(*process.argv, "-c", "fsync=off"))
    return process
