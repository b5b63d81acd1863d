"""The namespace's topics: `relearn migrate` creates them; workers check them and create none."""

from __future__ import annotations

import asyncio

from confluent_kafka import KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined] # re-exports without __all__
    ConfigResource,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

from relearn.agents.driver_errors.kafka import kafka_error
from relearn.agents.kafka.admin import Admin
from relearn.schemas.errors import KafkaUnavailable, SetupError
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_specs

_TIMEOUT_S = 10.0
_TIMESTAMPS = "message.timestamp.type"


def admin_client(settings: Settings) -> Admin:
    """A client. Use it in a `with` block, or call its `close`."""
    return Admin(settings)


async def create_topics(settings: Settings) -> list[str]:
    """Create the namespace's missing topics. Returns their names.

    Raises:
        KafkaUnavailable: no broker answers.
        SetupError: the broker refuses to make one.
    """
    specs = topic_specs(settings)
    wanted = [
        NewTopic(s.name, num_partitions=s.partitions, replication_factor=settings.replication, config=s.config)
        for s in specs
    ]
    made = []
    with admin_client(settings) as admin:
        futures = admin.create_topics(wanted, operation_timeout=_TIMEOUT_S, request_timeout=2 * _TIMEOUT_S)
        for name, future in futures.items():
            try:
                await admin.available(future)
            except KafkaException as exc:
                if exc.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise SetupError(f"topic {name} can't be made: {exc.args[0].str()}") from exc
            else:
                made.append(name)
    return made


async def check_log_append_time(settings: Settings, topic: str) -> None:
    """Return if the broker stamps the records of `topic`.

    The worker's comparison with `topic_fit` at its start is passed over while Kafka is away; this one waits.

    Raises:
        KafkaUnavailable: no broker answers.
        SetupError: it doesn't, or the topic isn't there.
    """
    with admin_client(settings) as admin:
        found = await topic_config(admin, topic, _TIMESTAMPS)
    if found != "LogAppendTime":
        raise SetupError(
            f"topic {topic} must have {_TIMESTAMPS}=LogAppendTime: a record's time is part of its row's key"
        )


async def topic_id(admin: Admin, topic: str) -> str:
    """Kafka's UUID of `topic`, which changes when the topic is deleted and created again.

    Raises:
        KafkaUnavailable: no broker answers.
        SetupError: there is no such topic.
    """
    future = admin.describe_topics(TopicCollection([topic]), request_timeout=_TIMEOUT_S)[topic]
    try:
        description = await admin.available(future)
    except KafkaException as exc:
        raise kafka_error(exc.args[0], topic=topic) from exc
    return str(description.topic_id)


async def check_led(admin: Admin, topic: str) -> None:
    """Return if the broker that leads the first partition of `topic` answers.

    For checks that repeat each second: confluent-kafka leaks 140 bytes per `describe_topics`.

    Raises:
        KafkaUnavailable: it doesn't.
        SetupError: there is no such topic.
    """
    try:
        return await _ask_leader(admin, topic)
    except (KafkaException, KafkaUnavailable):
        # The client keeps leaders and their epochs, also wrong ones, until it reads the metadata: after a restart of
        # the broker, or once the topic was created again.
        await admin.metadata(_TIMEOUT_S)
    try:
        await _ask_leader(admin, topic)
    except KafkaException as exc:
        await topic_id(admin, topic)
        raise KafkaUnavailable(f"Kafka doesn't answer for topic {topic}: {exc.args[0].str()}") from exc


async def _ask_leader(admin: Admin, topic: str) -> None:
    first = TopicPartition(topic, 0)
    wanted = {first: OffsetSpec.latest()}  # type: ignore[no-untyped-call]
    await admin.available(admin.list_offsets(wanted, request_timeout=_TIMEOUT_S)[first])


async def topic_id_once_known(admin: Admin, topic: str) -> str:
    """As `topic_id`, for a topic that was just created: a broker may not know it for a moment.

    Raises:
        KafkaUnavailable, SetupError: as `topic_id`, after ten seconds.
    """
    deadline = asyncio.get_running_loop().time() + _TIMEOUT_S
    while True:
        try:
            return await topic_id(admin, topic)
        except SetupError:
            if asyncio.get_running_loop().time() > deadline:
                raise
        await asyncio.sleep(0.1)


async def topic_config(admin: Admin, topic: str, name: str) -> str:
    """The value of the configuration `name` of `topic`.

    Raises:
        KafkaUnavailable: no broker answers.
        SetupError: there is no such topic, or the broker refuses to describe it.
    """
    resource = ConfigResource(ResourceType.TOPIC, topic)
    try:
        entries = await admin.available(admin.describe_configs([resource], request_timeout=_TIMEOUT_S)[resource])
    except KafkaException as exc:
        raise kafka_error(exc.args[0], topic=topic) from exc
    return str(entries[name].value)
