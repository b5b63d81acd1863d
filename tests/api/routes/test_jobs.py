"""Jobs: listed, shown and started."""

from __future__ import annotations

import asyncio
from typing import Any

from relearn.agents.stores.training.jobs import end_job, queue_job
from relearn.schemas.messages.commands import Command, Verb, decode_command
from relearn.schemas.messages.headers import header_text
from tests.support.api.client import NOWHERE, Client, serving
from tests.support.data.rows import messages


async def commanded(client: Client, *commands: tuple[str, Verb]) -> None:
    """Jobs as a retrain worker writes them; each has taken effect."""
    async with client.context.pool.acquire() as connection, connection.transaction():
        for job_id, verb in commands:
            await queue_job(connection, Command(job_id, verb, {"trigger": "manual"}, by="ann"))
            await end_job(connection, job_id, "promoted", metrics={"accuracy": 0.5, "large": 10**30})


def ids(page: dict[str, Any]) -> list[str]:
    return [one["id"] for one in page["items"]]


async def test_jobs_come_page_by_page_the_newest_first(client: Client) -> None:
    await commanded(client, *[(f"j{i}", "train") for i in range(5)], ("hold", "hold"))
    first = await client.json("GET", "/v1/jobs?limit=4")
    assert ids(first) == ["hold", "j4", "j3", "j2"]
    last = await client.json("GET", "/v1/jobs", params={"limit": "4", "cursor": first["next"]})
    assert (ids(last), last["next"]) == (["j1", "j0"], None)


async def test_jobs_are_filtered_by_state_and_command(client: Client) -> None:
    await commanded(client, ("a", "train"), ("b", "hold"), ("c", "train"))
    assert ids(await client.json("GET", "/v1/jobs?command=train&state=promoted")) == ["c", "a"]
    assert ids(await client.json("GET", "/v1/jobs?state=failed")) == []
    first = await client.json("GET", "/v1/jobs?command=train&limit=1")
    assert await client.problem("GET", f"/v1/jobs?cursor={first['next']}", 400) == "malformed"


async def test_a_job_is_found_by_its_id_whatever_that_is(client: Client) -> None:
    odd = "a/b %41é\n"
    await commanded(client, (odd, "train"))
    found = await client.json("GET", "/v1/jobs/a%2Fb%20%2541%C3%A9%0A")
    assert (found["id"], found["state"], found["by"]) == (odd, "promoted", "ann")
    assert found["metrics"] == {"accuracy": 0.5, "large": 10**30}
    assert await client.problem("GET", "/v1/jobs/none", 404) == "not-found"


async def test_what_can_not_be_asked_is_malformed(client: Client) -> None:
    for path in ("/%00", f"/{'x' * 5000}", "?state=open", "?command=stop", "?limit=0", "?cursor=x", "?cursor="):
        assert await client.problem("GET", f"/v1/jobs{path}", 400) == "malformed"


async def test_a_training_is_a_command_that_the_broker_has(client: Client) -> None:
    """The job exists once a retrain worker has taken the command, not before."""
    answer = await client.json("POST", "/v1/jobs", status=202)
    (message,) = await asyncio.to_thread(messages, client.settings, "commands")
    assert decode_command(message.value()) == Command(answer["id"], "train", {"trigger": "manual"})
    headers = message.headers() or []
    assert header_text(headers, "ce_type") == "relearn.command.v1"
    assert header_text(headers, "ce_id") == answer["id"]
    assert (header_text(headers, "ce_source") or "").startswith(f"/{client.settings.namespace}/api/")
    assert await client.problem("GET", f"/v1/jobs/{answer['id']}", 404) == "not-found"


async def test_while_a_server_is_away_what_needs_it_says_so(client: Client) -> None:
    async with serving(client.settings, kafka_brokers=(NOWHERE,)) as other:
        assert await other.problem("POST", "/v1/jobs", 503) == "unavailable"
        assert ids(await other.json("GET", "/v1/jobs")) == []
    async with serving(client.settings, postgres_dsn=f"postgresql://x@{NOWHERE}/x") as other:
        assert await other.problem("GET", "/v1/jobs", 503) == "unavailable"
        assert await other.problem("GET", "/v1/jobs/x", 503) == "unavailable"
        # It has not been able to learn whether a key is needed.
        assert await other.problem("POST", "/v1/jobs", 503) == "unavailable"
