"""A request sent again under its idempotency key after an unknown outcome: written twice, in effect once.

Redis has no response of the first request, as after a 503 whose messages had arrived.
"""

from __future__ import annotations

import asyncio
from typing import Any

from relearn.agents.models.live import Served
from relearn.agents.models.reading import Reading
from relearn.agents.score.score_records import blocks_of
from relearn.agents.stores.feedback.corrections import store_feedback
from relearn.agents.stores.predictions.insert import Stored, store_blocks
from relearn.schemas.messages.commands import decode_command
from relearn.schemas.messages.feedback import ReceivedFeedback, decode_feedback
from relearn.schemas.messages.predictions import decode_block, encode_block
from relearn.schemas.topics import TopicName, topic_name
from relearn.scripts.dev.bench.workload import score_chunk
from tests.support.api.client import Client
from tests.support.data.messages import FakeMessage
from tests.support.data.models import a_model
from tests.support.data.rows import messages

MODEL = a_model(1)
KEYED = {"Idempotency-Key": "k-1"}


async def twice(client: Client, path: str, body: Any, **headers: str) -> list[Any]:
    """The answers to a request and to the same one after Redis has lost the first response."""
    answers = []
    for _ in range(2):
        answers.append(await client.json("POST", path, status=202, json=body, headers={**KEYED, **headers}))
        names = await client.context.redis.keys(f"{client.settings.namespace}:idempotency:*")
        await client.context.redis.delete(*names)
    return answers


async def received(client: Client, topic: TopicName) -> list[FakeMessage]:
    """The messages of a topic, in the order of their times."""
    found = await asyncio.to_thread(messages, client.settings, topic)
    name = topic_name(client.settings.namespace, topic)
    chunk = [
        FakeMessage(
            one.value(), one.offset(), one.partition(), name, one.timestamp()[1], one.key(), one.headers() or ()
        )
        for one in found
    ]
    return sorted(chunk, key=lambda one: one.timestamp)


async def stored(client: Client, chunk: list[FakeMessage]) -> Stored:
    """What a score and a store worker do with a chunk."""
    served = Served(MODEL, 1)
    chunk = sorted(chunk, key=lambda one: (one.partition, one.offset))
    blocks = blocks_of(score_chunk(chunk, served), Reading(served), generation=0, scored_at=1.0)
    decoded = [decode_block(encode_block(block)) for block in blocks]
    now_s = max(one.timestamp for one in chunk) / 1000
    return await store_blocks(client.context.pool, decoded, topic="ingest", retention_days=30, now_s=now_s)


async def test_a_batch_sent_again_makes_no_second_rows(client: Client) -> None:
    """Stored together, apart or read again; both answers name the same batch and the same predictions."""
    client.serve(MODEL)
    body = {"features": [[float(i), 2, 3, 4] for i in range(2_000)], "ids": [f"r-{i}" for i in range(2_000)]}
    first, second = await twice(client, "/v1/batches", body)
    assert first["batch_id"] == second["batch_id"]
    chunk = await received(client, "ingest")
    early, late = chunk
    assert dict(early.headers)["idempotency-key"] == dict(late.headers)["idempotency-key"]
    assert (await stored(client, [late])).inserted == 2_000
    again = await stored(client, [early])
    assert (again.inserted, again.duplicates) == (0, 2_000)
    for given in (chunk, [early], [late]):
        assert (await stored(client, given)).inserted == 0
    assert await client.context.pool.fetchval("SELECT count(*) FROM predictions") == 2_000
    assert (await client.json("GET", f"/v1/batches/{first['batch_id']}"))["records"] == 2_000
    ids = [first["predictions"][7], second["predictions"][7]]
    assert ids[0] != ids[1]
    rows = [await client.json("GET", f"/v1/predictions/{one}") for one in ids]
    assert rows[0] == rows[1]
    assert (rows[0]["id"], rows[0]["prediction"] in ids) == ("r-7", True)


async def test_other_bodies_and_other_keys_are_other_writes(client: Client) -> None:
    """A key whose first response was forgotten never makes records of another body disappear."""
    client.serve(MODEL)
    await twice(client, "/v1/batches", {"features": [[1, 2, 3, 4]]})
    await twice(client, "/v1/batches", {"features": [[1, 2, 3, 5]]})
    await twice(client, "/v1/batches", {"features": [[1, 2, 3, 4]]}, **{"Idempotency-Key": "k-2"})
    await client.json("POST", "/v1/batches", status=202, json={"features": [[1, 2, 3, 4]]})
    found = await stored(client, await received(client, "ingest"))
    assert (found.inserted, found.duplicates) == (4, 3)


async def test_reviews_of_either_answers_ids_are_of_one_prediction(client: Client) -> None:
    """By feedback, and of a whole batch."""
    client.serve(MODEL)
    first, second = await twice(client, "/v1/batches", {"features": [[1, 2, 3, 4]]})
    await stored(client, await received(client, "ingest"))
    for answer, reviewer in ((first, "ann"), (second, "bob")):
        said = {"prediction": answer["predictions"][0], "label": "x", "reviewer": reviewer}
        await client.json("POST", "/v1/feedback", status=202, json=said)
        rated = {"predictions": answer["predictions"], "labels": ["y"], "reviewer": "cid"}
        await client.json("PATCH", f"/v1/batches/{first['batch_id']}", status=202, json=rated)
    chunk = await received(client, "feedback")
    statements = [ReceivedFeedback(decode_feedback(one.value), 0, one) for one in chunk]
    assert (await store_feedback(client.context.pool, statements)).rows == 4
    for answer in (first, second):
        page = await client.json("GET", f"/v1/predictions/{answer['predictions'][0]}/feedback")
        assert len(page["items"]) == 4


async def test_feedback_and_commands_sent_again_have_the_same_ids(client: Client) -> None:
    """The sinks know them: a statement and a job exist once."""
    said = {"feedback": [{"record": f"r-{i}", "label": "x"} for i in range(3)]}
    first, second = await twice(client, "/v1/feedback", said)
    assert first == second
    assert len({one.value for one in await received(client, "feedback")}) == 3
    job, same = await twice(client, "/v1/jobs", None)
    assert job == same
    commands = [decode_command(one.value) for one in await received(client, "commands")]
    assert {one.id for one in commands} == {job["id"]}
