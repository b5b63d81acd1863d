"""From a POST to a row: the ids in the response are those that score and store workers write."""

from __future__ import annotations

import asyncio

import numpy as np

from relearn.agents.learning.predict import score
from tests.support.api.client import Client
from tests.support.data.models import a_model, publish
from tests.support.data.rows import query, stored
from tests.support.processes.workers import workers
from tests.support.waiting import eventually_async

MODEL = a_model(1)
ROWS = np.random.default_rng(3).normal(size=(40_000, 4)).round(6)
_STORED = """
SELECT concat_ws('-', nullif(generation, 0), kafka_partition, kafka_offset, record_index) AS place, id, subject, batch,
    context, features, label FROM predictions
"""


async def test_records_that_were_posted_are_stored_under_the_ids_that_were_answered(client: Client) -> None:
    publish(client.settings, MODEL, 1)
    sizes = [1, 1, 500, 10_000, 3]
    starts = np.cumsum([0, *sizes])
    with workers(client.settings, score=1, store=1) as running:
        await eventually_async(lambda: client.context.live.current is not None, "no model is live")
        for worker in running.values():  # a write has 1.8 s, which two processes that start can take
            await asyncio.to_thread(worker.wait_for, "worker_ready")
        bodies = [
            {
                "features": ROWS[start : start + size].tolist(),
                "ids": [f"r-{i}" for i in range(start, start + size)],
                "subjects": [f"s-{i % 100}" for i in range(start, start + size)],
                "contexts": ["look" if i % 2 else None for i in range(start, start + size)],
                "batch": f"b-{start}",
            }
            for start, size in zip(starts, sizes, strict=False)
        ]
        answers = await asyncio.gather(*(client.json("POST", "/v1/batches", status=202, json=one) for one in bodies))
        total = sum(sizes)
        await eventually_async(
            lambda: asyncio.to_thread(lambda: stored(client.settings) >= total),
            lambda: running["store-1"].log[-2000:],
        )
    found = {row["place"]: row for row in await asyncio.to_thread(query, client.settings, _STORED)}
    assert len(found) == total
    labels = [MODEL.classes[i] for i in score(MODEL, ROWS[:total]).labels]
    for body, answer in zip(bodies, answers, strict=True):
        for i, place in enumerate(answer["predictions"]):
            row = found[place]
            number = int(row["id"].removeprefix("r-"))
            assert list(row["features"]) == body["features"][i]
            assert (row["id"], row["subject"], row["context"], row["batch"], row["label"]) == (
                body["ids"][i],
                body["subjects"][i],
                body["contexts"][i],
                body["batch"],
                labels[number],
            )
