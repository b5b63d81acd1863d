"""Whether the topics of a namespace are as Relearn needs them, and the changes that make them so.

`relearn migrate` compares all topics, makes the changes and refuses what no change can mend. A worker compares the
topics of its role at its start, changes nothing, and waits while one of them would break its work.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined] # re-exports without __all__
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    ResourceType,
)

from relearn.agents.kafka.admin import Admin
from relearn.schemas.errors import SetupError
from relearn.schemas.settings import Settings
from relearn.schemas.topics import BLOCK_MAX_BYTES, TopicName, TopicSpec, topic_name, topic_specs

_TIMEOUT_S = 5.0
_TAKES_EFFECT_S = 10.0
_MAX_BYTES, _CLEANUP, _TIMESTAMPS = "max.message.bytes", "cleanup.policy", "message.timestamp.type"
_RETENTION, _RETENTION_BYTES, _MIN_ISR = "retention.ms", "retention.bytes", "min.insync.replicas"
#: The smallest limit that any topic needs: a block of predictions with its headers.
_SMALLEST_MAX_BYTES = BLOCK_MAX_BYTES + 64 * 1024
#: Of these, another value breaks the work of a worker; of others it only shortens how long messages are kept.
_BREAKS = {_MAX_BYTES, _CLEANUP, _TIMESTAMPS}
_NOT_PERMITTED = {KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED}
_WHY = {
    _TIMESTAMPS: "a record's time is part of its row's key",
    _CLEANUP: "messages would be lost, or kept without limit",
    _MAX_BYTES: "the broker would refuse messages",
    _RETENTION: "it is set by Relearn's settings",
    _RETENTION_BYTES: "messages would be deleted before they are read",
}
#: The topics that a role reads or writes.
TOPICS_OF: Mapping[str, tuple[TopicName, ...]] = {
    "score": ("ingest", "predictions", "dead-letters", "model-updates"),
    "store": ("predictions", "dead-letters"),
    "feedback": ("feedback", "commands", "dead-letters"),
    "retrain": ("commands", "model-updates", "dead-letters"),
    "results": ("predictions", "results"),
    "api": ("ingest", "feedback", "commands", "model-updates"),
}


@dataclass(frozen=True, slots=True)
class FoundTopic:
    """A topic as it is: partitions, the smallest number of replicas of one, configuration by Kafka's names."""

    name: str
    partitions: int
    replicas: int
    config: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Misfit:
    """A difference between a topic and what Relearn needs. `text` is one clause for people.

    `config` (a name and a value) or `partitions` (a number) is the change that mends it; neither: nothing can.
    `breaks`: a worker can't work with it.
    """

    topic: str
    text: str
    config: tuple[str, str] | None = None
    partitions: int | None = None
    breaks: bool = True

    @property
    def mendable(self) -> bool:
        """Whether a change of the topic removes the difference without losing a message."""
        return self.config is not None or self.partitions is not None


def misfits(spec: TopicSpec, found: FoundTopic) -> list[Misfit]:
    """The differences between a topic and its specification, in a fixed order."""
    return [*_partition_misfits(spec, found), *_config_misfits(spec, found)]


def _partition_misfits(spec: TopicSpec, found: FoundTopic) -> list[Misfit]:
    name, many = spec.name, found.partitions
    differences = []
    if spec.partitions == 1 and many > 1:
        text = f"{name} has {many} partitions and must have 1, because the order of all its messages counts"
        differences.append(Misfit(name, f"{text}; delete the topic and run `relearn migrate` again"))
    elif many < spec.partitions:
        text = f"{name} has {many} partition{'s' if many > 1 else ''} instead of {spec.partitions}"
        differences.append(Misfit(name, text, partitions=spec.partitions, breaks=False))
    needed = int(found.config.get(_MIN_ISR) or 1)
    if needed > found.replicas:
        text = f"{name} has {found.replicas} replicas and {_MIN_ISR}={needed}, so that nothing can be written to it"
        differences.append(Misfit(name, f"{text}; give it more replicas, or lower {_MIN_ISR}"))
    return differences


def _config_misfits(spec: TopicSpec, found: FoundTopic) -> list[Misfit]:
    wanted = {_CLEANUP: "delete", _MAX_BYTES: str(_SMALLEST_MAX_BYTES), **spec.config}
    if wanted.get(_RETENTION) == "-1":
        wanted[_RETENTION_BYTES] = "-1"
    differences = []
    for setting, value in sorted(wanted.items()):
        actual = found.config.get(setting)
        fits = actual is None or (int(actual) >= int(value) if setting == _MAX_BYTES else _same(actual, value))
        if not fits:
            text = f"{spec.name} has {setting}={actual} instead of {value}"
            why = f" ({_WHY[setting]})" if setting in _WHY else ""
            differences.append(Misfit(spec.name, text + why, config=(setting, value), breaks=setting in _BREAKS))
    return differences


def _same(actual: str, value: str) -> bool:
    return sorted(actual.split(",")) == sorted(value.split(","))


def specs_for(settings: Settings, found: Mapping[str, FoundTopic]) -> list[TopicSpec]:
    """The specifications of all topics, in which `predictions` has as many partitions as `ingest` has or will have."""
    ingest, predictions = (topic_name(settings.namespace, topic) for topic in ("ingest", "predictions"))
    many = found[ingest].partitions if ingest in found else 0
    return [
        replace(spec, partitions=max(spec.partitions, many)) if spec.name == predictions else spec
        for spec in topic_specs(settings)
    ]


async def read_topics(admin: Admin, names: Collection[str], *, strict: bool = True) -> dict[str, FoundTopic]:
    """The topics of these names that are there.

    Unless `strict`, a topic whose configuration this user may not read has an empty one.

    Raises:
        KafkaUnavailable: no broker answers.
        SetupError: the broker doesn't permit to read a topic's configuration.
    """
    known = (await admin.metadata(_TIMEOUT_S)).topics
    there = {name: known[name] for name in names if name in known and known[name].error is None}
    resources = {name: ConfigResource(ResourceType.TOPIC, name) for name in there}
    if not resources:
        return {}
    futures = admin.describe_configs(list(resources.values()), request_timeout=_TIMEOUT_S)
    found = {}
    for name, topic in there.items():
        config = await _config(admin, name, futures[resources[name]], strict=strict)
        replicas = min((len(partition.replicas) for partition in topic.partitions.values()), default=0)
        found[name] = FoundTopic(name, len(topic.partitions), replicas, config)
    return found


async def _config(admin: Admin, topic: str, future: Any, *, strict: bool) -> dict[str, str]:
    try:
        entries = await admin.available(future)
    except KafkaException as exc:
        if not strict and exc.args[0].code() in _NOT_PERMITTED:
            return {}
        text = f"topic {topic}: its configuration can't be read: {exc.args[0].str()}"
        raise SetupError(f"{text}; this user needs the right DESCRIBE_CONFIGS") from exc
    return {setting: str(entry.value) for setting, entry in entries.items() if entry.value is not None}


async def check_topics(admin: Admin, settings: Settings, role: str) -> list[str]:
    """Return if the role can work with its topics; returns what differs without harm.

    Raises:
        KafkaUnavailable: no broker answers.
        SetupError: a topic is missing, or differs in what breaks the role's work.
    """
    names = {topic_name(settings.namespace, topic) for topic in TOPICS_OF[role]}
    found = await read_topics(admin, names, strict=False)
    missing = sorted(names - set(found))
    if missing:
        raise SetupError(f"there is no topic {', '.join(missing)}, or this user may not see it; run `relearn migrate`")
    specs = [spec for spec in specs_for(settings, found) if spec.name in found]
    differences = [one for spec in specs for one in misfits(spec, found[spec.name])]
    breaking = [one for one in differences if one.breaks]
    if breaking:
        remedy = "; run `relearn migrate`" if all(one.mendable for one in breaking) else ""
        raise SetupError("topic " + "; ".join(one.text for one in breaking) + remedy)
    return [one.text for one in differences]


async def refuse_unmendable(admin: Admin, settings: Settings) -> None:
    """Return if every topic that is there fits, or can be changed to fit, and missing ones can be made.

    Raises:
        KafkaUnavailable: no broker answers.
        SetupError: a topic doesn't, and what its operator can do.
    """
    found = await read_topics(admin, [spec.name for spec in topic_specs(settings)])
    refused = [
        one.text
        for spec in topic_specs(settings)
        if spec.name in found
        for one in misfits(spec, found[spec.name])
        if not one.mendable
    ]
    missing = [spec.name for spec in topic_specs(settings) if spec.name not in found]
    brokers = len((await admin.metadata(_TIMEOUT_S)).brokers)
    if missing and brokers < settings.replication:
        many = f"{brokers} broker{'s' if brokers > 1 else ''}"
        refused.append(f"{missing[0]} can't be made: RELEARN_REPLICATION={settings.replication}, and Kafka has {many}")
    if refused:
        raise SetupError("topic " + "; topic ".join(refused))


async def mend_topics(admin: Admin, settings: Settings) -> list[str]:
    """Change the topics that are there to fit; one line per change, after it has taken effect.

    Raises:
        KafkaUnavailable: no broker answers.
        SetupError: the broker refuses a change, or it doesn't take effect.
    """
    names = [spec.name for spec in topic_specs(settings)]
    lines: dict[str, None] = {}
    deadline = asyncio.get_running_loop().time() + _TAKES_EFFECT_S
    while True:
        found = await read_topics(admin, names)
        specs = [spec for spec in specs_for(settings, found) if spec.name in found]
        left = [one for spec in specs for one in misfits(spec, found[spec.name]) if one.mendable]
        if not left:
            return list(lines)
        if asyncio.get_running_loop().time() > deadline:
            raise SetupError("a change of a topic takes no effect: topic " + "; ".join(one.text for one in left))
        for one in left:
            if one.text not in lines:
                await _mend(admin, one)
                lines[one.text] = None
        await asyncio.sleep(0.1)


async def _mend(admin: Admin, misfit: Misfit) -> None:
    if misfit.partitions is not None:
        wanted = NewPartitions(misfit.topic, misfit.partitions)
        future = admin.create_partitions([wanted], request_timeout=_TIMEOUT_S)[misfit.topic]
    else:
        assert misfit.config is not None
        name, value = misfit.config
        entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ResourceType.TOPIC, misfit.topic, incremental_configs=[entry])
        future = admin.incremental_alter_configs([resource], request_timeout=_TIMEOUT_S)[resource]
    await _allowed(admin, misfit, future)


async def _allowed(admin: Admin, misfit: Misfit, future: Any) -> None:
    try:
        await admin.available(future)
    except KafkaException as exc:
        text = f"topic {misfit.text}, and the broker refuses to change it: {exc.args[0].str()}"
        raise SetupError(f"{text}; its operator can") from exc


def described(lines: Iterable[str]) -> list[str]:
    """The changes of `mend_topics` for people."""
    return [f"changed: topic {line.replace(' instead of ', ', now ')}" for line in lines]
