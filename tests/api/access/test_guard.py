"""API keys: sent, made and revoked while the server runs, and access while there are none."""

from __future__ import annotations

import asyncio
import secrets

import pytest

from relearn.agents.stores.api_keys import revoke_key
from relearn.api.server.serve import check_api_keys
from relearn.schemas.api_keys import ENTROPY_BYTES, make_key
from relearn.schemas.errors import SettingsError, SetupError
from relearn.schemas.http.operation import ROLES
from relearn.schemas.settings import Settings
from tests.support.api.client import Client, serving
from tests.support.data.keyed import a_key, a_key_in, bearer
from tests.support.servers.embedded import Servers
from tests.support.waiting import DEADLINE_S

METRICS = "/metrics"
UNKNOWN, _ = make_key(secrets.token_bytes(ENTROPY_BYTES))


async def status_of(client: Client, headers: dict[str, str], path: str = METRICS) -> int:
    async with client.http.get(path, headers=headers) as response:
        return response.status


async def until_status(client: Client, headers: dict[str, str], status: int) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while await status_of(client, headers) != status:  # noqa: ASYNC110 - the server is asked
            await asyncio.sleep(0.1)


async def test_whoever_shows_no_known_key_is_asked_for_one(migrated: Settings) -> None:
    """The challenge names the scheme."""
    known = await a_key(migrated)
    shown = [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer rl_x"},
        {"Authorization": "Bearer \xff\xfe"},
        {"Authorization": f"Basic {known}"},
        bearer(known[:-1] + ("A" if known[-1] != "A" else "B")),
        bearer(UNKNOWN),
    ]
    async with serving(migrated) as client:
        for headers in shown:
            async with client.http.get(METRICS, headers=headers) as response:
                assert response.status == 401, headers
                assert response.headers["WWW-Authenticate"].startswith("Bearer")
                assert (await response.json(content_type=None))["type"] == "urn:relearn:problem:unauthorized"
        assert await status_of(client, bearer(known)) == 200
        assert await status_of(client, {"authorization": f"bearer  {known} "}) == 200


async def test_the_first_key_shuts_the_door_of_a_server_that_runs(client: Client) -> None:
    """Within seconds, without a restart; a new key works at once, and a revoked one stops working soon."""
    pool = client.context.pool
    assert await status_of(client, {}) == 200
    first = await a_key_in(pool, "admin")
    await until_status(client, {}, 401)
    assert await status_of(client, bearer(first)) == 200
    second = await a_key_in(pool, "read", "another")
    assert await status_of(client, bearer(second)) == 200
    assert await revoke_key(pool, "another") is not None
    await until_status(client, bearer(second), 401)
    assert await status_of(client, bearer(first)) == 200
    assert await revoke_key(pool, first.split("_")[1]) is not None
    await until_status(client, bearer(first), 401)
    assert await status_of(client, {}) == 401


async def test_without_postgres_known_keys_go_on_and_others_must_wait(migrated: Settings, servers: Servers) -> None:
    """503 rather than 401: the key may be valid."""
    known = await a_key(migrated)
    async with serving(migrated) as client:
        assert await status_of(client, bearer(known)) == 200
        with servers.postgres.away():
            assert await status_of(client, bearer(known)) == 200
            assert await status_of(client, bearer(UNKNOWN)) == 503
            async with serving(migrated) as started_now:
                assert await status_of(started_now, bearer(known)) == 503
                assert await status_of(started_now, {}) == 503
                assert await status_of(started_now, {}, "/livez") == 200
        await until_status(client, bearer(UNKNOWN), 401)


async def test_without_keys_only_this_machine_is_served(client: Client) -> None:
    """DNS rebinding and pages of other origins are recognized by the headers that browsers send."""
    host = f"localhost:{client.http.port}"
    served = {
        "by its address": {},
        "by its name": {"Host": host},
        "our own page": {"Host": host, "Origin": f"http://{host}"},
    }
    refused = {
        "another name": {"Host": "evil.example"},
        "another name and port": {"Host": f"evil.example:{client.http.port}"},
        "another page": {"Origin": "https://evil.example"},
        "a page without an origin": {"Origin": "null"},
        "another page's image": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    }
    assert {name: await status_of(client, headers) for name, headers in served.items()} == dict.fromkeys(served, 200)
    assert {name: await status_of(client, headers) for name, headers in refused.items()} == dict.fromkeys(refused, 403)


async def test_beyond_loopback_nobody_is_served_before_there_is_a_key(migrated: Settings) -> None:
    """Also after the table was emptied while the server ran."""
    async with serving(migrated.model_copy(update={"api_host": "0.0.0.0"})) as client:
        assert await status_of(client, {}) == 401
        assert await status_of(client, {}, "/livez") == 200
        assert await status_of(client, bearer(await a_key_in(client.context.pool))) == 200


async def test_to_listen_beyond_loopback_takes_a_key(migrated: Settings, settings: Settings) -> None:
    """A revoked key counts too."""
    exposed = migrated.model_copy(update={"api_host": "0.0.0.0"})
    await check_api_keys(migrated)
    with pytest.raises(SettingsError, match=r"RELEARN_API_HOST=0\.0\.0\.0: .*relearn key create"):
        await check_api_keys(exposed)
    await a_key(migrated)
    await check_api_keys(exposed)
    await check_api_keys(exposed.model_copy(update={"postgres_dsn": "postgresql://postgres@127.0.0.1:1/postgres"}))
    with pytest.raises(SetupError, match="relearn migrate"):
        await check_api_keys(settings.model_copy(update={"api_host": "0.0.0.0"}))


async def test_a_caller_can_ask_what_it_may_do(client: Client) -> None:
    """Without any keys everything, with one what its role includes."""
    anyone = await client.json("GET", "/v1/me")
    deployment = anyone.pop("deployment")
    assert deployment
    assert anyone == {"role": "admin", "name": None}
    for role in ROLES:
        key = await a_key_in(client.context.pool, role, f"a {role} key")
        async with client.http.get("/v1/me", headers=bearer(key)) as response:
            assert await response.json() == {
                "role": role,
                "name": f"a {role} key",
                "deployment": deployment,
            }
    await until_status(client, {}, 401)
    assert await status_of(client, {}, "/v1/me") == 401
    assert await status_of(client, {}, "/docs") == 200, "a browser sends no key when it opens an address"
    assert await status_of(client, {}, "/docs/swagger-ui.css") == 200
