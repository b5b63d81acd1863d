"""What a topic must be like, which differences a change mends, and which no change can."""

from dataclasses import replace

import pytest

from relearn.agents.kafka.topic_fit import FoundTopic, misfits, specs_for
from relearn.schemas.settings import read_settings
from relearn.schemas.topics import TopicSpec, topic_specs

SETTINGS = read_settings({"RELEARN_PARTITIONS": "8"})
SPECS = {spec.name.removeprefix("relearn."): spec for spec in topic_specs(SETTINGS)}
#: As Kafka makes a topic that a client asked for by accident.
DEFAULTS = {
    "cleanup.policy": "delete",
    "max.message.bytes": "1048588",
    "message.timestamp.type": "CreateTime",
    "min.insync.replicas": "1",
    "retention.bytes": "-1",
    "retention.ms": "604800000",
}


def fitting(spec: TopicSpec) -> FoundTopic:
    return FoundTopic(spec.name, spec.partitions, 1, {**DEFAULTS, **spec.config})


@pytest.mark.parametrize("topic", SPECS)
def test_a_topic_made_by_migrate_fits(topic: str) -> None:
    """Otherwise each run would change something again."""
    assert misfits(SPECS[topic], fitting(SPECS[topic])) == []


@pytest.mark.parametrize("topic", SPECS)
def test_each_setting_that_migrate_gives_is_compared(topic: str) -> None:
    """Whatever a later version adds to a topic's settings: another value is found, and named with the right one."""
    spec = SPECS[topic]
    for setting, value in spec.config.items():
        found = fitting(spec)
        other = {**found.config, setting: "1" if value.lstrip("-").isdecimal() else "another"}
        (one,) = misfits(spec, replace(found, config=other))
        assert one.config == (setting, value)
        assert f"{setting}={other[setting]} instead of {value}" in one.text


@pytest.mark.parametrize("topic", SPECS)
def test_a_topic_that_a_broker_made_by_itself_is_mended_or_refused(topic: str) -> None:
    """With one partition, everything can be mended; the other case is below."""
    spec = SPECS[topic]
    assert all(one.mendable for one in misfits(spec, FoundTopic(spec.name, 1, 1, DEFAULTS)))


@pytest.mark.parametrize("topic", ["commands", "model-updates"])
def test_a_topic_whose_order_counts_can_not_have_several_partitions(topic: str) -> None:
    """Kafka can't take partitions away."""
    spec = SPECS[topic]
    (one,) = misfits(spec, replace(fitting(spec), partitions=3))
    assert (one.mendable, one.breaks) == (False, True)
    assert f"relearn.{topic} has 3 partitions and must have 1" in one.text


@pytest.mark.parametrize("topic", ["ingest", "predictions", "feedback", "dead-letters"])
def test_partitions_are_added_and_more_of_them_are_no_fault(topic: str) -> None:
    """Workers go on while there are too few."""
    spec = SPECS[topic]
    (one,) = misfits(spec, replace(fitting(spec), partitions=3))
    assert (one.partitions, one.breaks) == (8, False)
    assert misfits(spec, replace(fitting(spec), partitions=12)) == []


def test_predictions_follows_ingest() -> None:
    """An operator has added partitions to `ingest`."""
    grown = replace(fitting(SPECS["ingest"]), partitions=12)
    specs = {spec.name: spec.partitions for spec in specs_for(SETTINGS, {grown.name: grown})}
    assert (specs["relearn.predictions"], specs["relearn.feedback"], specs["relearn.commands"]) == (12, 8, 1)


def test_a_larger_limit_is_no_fault_and_a_small_one_is_on_any_topic() -> None:
    """A broker's own default may be small."""
    for topic, limit in (("predictions", "100000"), ("feedback", "100000"), ("ingest", "1048588")):
        found = fitting(SPECS[topic])
        (one,) = misfits(SPECS[topic], replace(found, config={**found.config, "max.message.bytes": limit}))
        assert one.breaks
    found = fitting(SPECS["ingest"])
    assert misfits(SPECS["ingest"], replace(found, config={**found.config, "max.message.bytes": "99999999"})) == []


@pytest.mark.parametrize("topic", SPECS)
def test_a_topic_that_nothing_can_be_written_to_is_refused(topic: str) -> None:
    """With fewer replicas than the broker needs acknowledgements from."""
    found = fitting(SPECS[topic])
    (one,) = misfits(SPECS[topic], replace(found, config={**found.config, "min.insync.replicas": "2"}))
    assert (one.mendable, one.breaks) == (False, True)
    assert "nothing can be written" in one.text


def test_how_long_messages_are_kept_stops_no_worker() -> None:
    """`migrate` changes it, since it is a setting; until then work goes on."""
    for topic, setting, value in (("ingest", "retention.ms", "1000"), ("commands", "retention.bytes", "1000")):
        found = fitting(SPECS[topic])
        (one,) = misfits(SPECS[topic], replace(found, config={**found.config, setting: value}))
        assert (one.mendable, one.breaks) == (True, False)


def test_a_policy_with_two_parts_is_compared_whatever_their_order() -> None:
    """A compacted topic loses messages with equal keys; one that also deletes loses the champion."""
    found = fitting(SPECS["model-updates"])
    (one,) = misfits(
        SPECS["model-updates"], replace(found, config={**found.config, "cleanup.policy": "compact,delete"})
    )
    assert one.config == ("cleanup.policy", "compact")
    spec = replace(SPECS["ingest"], config={**SPECS["ingest"].config, "cleanup.policy": "compact,delete"})
    assert (
        misfits(spec, replace(fitting(spec), config={**fitting(spec).config, "cleanup.policy": "delete,compact"})) == []
    )
