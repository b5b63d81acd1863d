"""Cross-origin requests: only for the origins in the setting."""

from __future__ import annotations

from relearn.schemas.settings import Settings
from tests.support.api.client import Client, serving
from tests.support.data.keyed import a_key, bearer

PAGE, OTHER = {"Origin": "https://page.example"}, {"Origin": "https://evil.example"}
ASKS = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}


def named(settings: Settings) -> Settings:
    return settings.model_copy(update={"api_cors_origins": ("https://page.example",)})


async def test_without_the_setting_no_page_may_ask(client: Client) -> None:
    async with client.http.options("/v1/predict", headers={**PAGE, **ASKS}) as response:
        assert response.status == 405
        assert "Access-Control-Allow-Origin" not in response.headers
    async with client.http.get("/livez", headers=PAGE) as response:
        assert "Access-Control-Allow-Origin" not in response.headers
        assert "Vary" not in response.headers


async def test_a_named_page_may_ask_and_read_the_answer(migrated: Settings) -> None:
    """At the preflight and with the request, errors too."""
    async with serving(named(migrated)) as client:
        async with client.http.options("/v1/predict", headers={**PAGE, **ASKS}) as response:
            assert response.status == 204
            assert response.headers["Access-Control-Allow-Origin"] == "https://page.example"
            assert "POST" in response.headers["Access-Control-Allow-Methods"]
            allowed = response.headers["Access-Control-Allow-Headers"].lower()
            assert {"authorization", "content-type", "idempotency-key"} <= set(allowed.split(", "))
            assert "Access-Control-Allow-Credentials" not in response.headers
        for path, status in (("/livez", 200), ("/v1/nothing", 404)):
            async with client.http.get(path, headers=PAGE) as response:
                assert response.status == status
                assert response.headers["Access-Control-Allow-Origin"] == "https://page.example"
                assert "X-Request-Id" in response.headers["Access-Control-Expose-Headers"]
                assert "Origin" in response.headers["Vary"]
        async with client.http.post("/v1/predict", json={"features": [[1]]}, headers=PAGE) as response:
            assert response.status == 503


async def test_any_other_page_may_not(migrated: Settings) -> None:
    async with serving(named(migrated)) as client:
        async with client.http.options("/v1/predict", headers={**OTHER, **ASKS}) as response:
            assert response.status == 405
            assert "Access-Control-Allow-Origin" not in response.headers
            assert "Origin" in response.headers["Vary"]
        async with client.http.post("/v1/predict", json={"features": [[1]]}, headers=OTHER) as response:
            assert response.status == 403


async def test_where_keys_are_needed_a_page_asks_first_without_one(migrated: Settings) -> None:
    """Browsers send no API key with a preflight."""
    key = await a_key(migrated, "read")
    async with serving(named(migrated)) as client:
        async with client.http.options("/metrics", headers={**PAGE, **ASKS}) as response:
            assert response.status == 204
        async with client.http.get("/metrics", headers={**PAGE, **bearer(key)}) as response:
            assert response.status == 200
            assert response.headers["Access-Control-Allow-Origin"] == "https://page.example"
        async with client.http.get("/metrics", headers=PAGE) as response:
            assert response.status == 401
