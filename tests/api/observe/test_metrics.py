"""A process's metrics, as Prometheus reads them."""

from __future__ import annotations

import asyncio

from prometheus_client.parser import text_string_to_metric_families

from relearn.schemas.topics import topic_name
from tests.support.api.client import Client
from tests.support.data import retrains, reviewed
from tests.support.data.models import a_model
from tests.support.data.registered import register
from tests.support.servers.embedded import Servers
from tests.support.waiting import eventually_async

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


async def samples(client: Client) -> Samples:
    async with client.http.get("/metrics") as response:
        assert response.status == 200
        assert response.content_type == "text/plain"
        families = text_string_to_metric_families(await response.text())
        return {(one.name, frozenset(one.labels.items())): one.value for family in families for one in family.samples}


def value(found: Samples, name: str, **labels: str) -> float | None:
    return found.get((name, frozenset({**labels, "process": "1"}.items())))


async def test_requests_are_counted_by_operation_and_status_and_timed(client: Client) -> None:
    """Also requests without an operation."""
    client.serve(a_model())
    await client.json("POST", "/v1/predict", json={"features": [[1, 2, 3, 4]]})
    await client.json("POST", "/v1/predict", status=422, json={"features": [[1]]})
    await client.json("GET", "/v1/nothing", status=404)
    found = await samples(client)
    assert value(found, "relearn_api_requests_total", operation="predict", status="200") == 1
    assert value(found, "relearn_api_requests_total", operation="predict", status="422") == 1
    assert value(found, "relearn_api_requests_total", operation="none", status="404") == 1
    assert value(found, "relearn_api_request_seconds_count", operation="predict") == 2
    assert {dict(labels)["process"] for _, labels in found} == {"1"}


async def test_the_live_model_and_what_was_refused_are_told(client: Client) -> None:
    assert value(await samples(client), "relearn_model_version") == 0
    client.serve(a_model(3), activation=7)
    client.context.feed.swapper.apply(b"nonsense")
    found = await samples(client)
    assert value(found, "relearn_model_version") == 3
    assert value(found, "relearn_model_activation") == 7
    assert sum(number for (name, _), number in found.items() if name == "relearn_model_updates_refused_total") == 1


async def test_what_no_training_has_known_is_told(client: Client, servers: Servers) -> None:
    """Without Postgres there is no such figure: an old one would look as if it was well."""
    settings = client.settings
    await asyncio.to_thread(retrains.load, settings, 40)
    assert await asyncio.to_thread(register, settings) == 1
    for n, alert in ((60, 0), (1, 1)):
        features, _ = reviewed.records(n, seed=n)
        model = await asyncio.to_thread(reviewed.model_of, settings, 1)
        offsets, answers, _ = await asyncio.to_thread(reviewed.predict, settings, features, model)
        other = ["no" if one == "yes" else "yes" for one in answers]
        await asyncio.to_thread(reviewed.review, settings, offsets, other)
        found = await samples(client)
        assert value(found, "relearn_retraining_alert", code="unlearned") == alert
    assert value(found, "relearn_unlearned", what="corrections") == 61
    assert value(found, "relearn_unlearned", what="labels") == 61
    with servers.postgres.hung():
        found = await samples(client)
    assert not [name for name, _ in found if name in {"relearn_unlearned", "relearn_retraining_alert"}]


async def test_messages_and_servers_are_told(client: Client) -> None:
    topic = topic_name(client.settings.namespace, "feedback")
    await (await client.context.producer.send(topic, b"{}"))
    await eventually_async(lambda: client.context.health.states["kafka"].ok, "Kafka isn't seen")
    found = await samples(client)
    assert value(found, "relearn_messages_sent_total", topic=topic) == 1
    assert value(found, "relearn_up", what="kafka") == 1
    assert value(found, "relearn_up", what="model") == 0
    assert (value(found, "process_resident_memory_bytes") or 1) > 0
