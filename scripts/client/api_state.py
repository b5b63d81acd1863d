"""Where the HTTP API of these settings is, and whether it is ready."""

from __future__ import annotations

from typing import Any

from relearn.schemas.settings import Settings

TIMEOUT_S = 3.0
UP, NOT_READY, AWAY = "up", "not ready", "away"
#: The name of its process in `run.json`.
NAME = "api"
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - told apart, not listened on


def url(settings: Settings) -> str:
    """The address for a program on this machine."""
    host = settings.api_host
    return f"http://{_EVERYWHERE.get(host, f'[{host}]' if ':' in host else host)}:{settings.api_port}"


async def read_api(settings: Settings) -> dict[str, Any]:
    """The `state`, the `address`, and in `error` what is wrong, else None. Away if another program answers there."""
    import aiohttp  # noqa: PLC0415 - `relearn up` needs only `url`

    address = url(settings)
    try:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(f"{address}/readyz") as response:
            state, error = _state(await response.json(content_type=None))
    except (aiohttp.ClientError, OSError, ValueError) as exc:  # a timeout is an OSError
        state, error = AWAY, f"nothing answers at {address}: {str(exc) or type(exc).__name__}"
    return {"state": state, "address": address, "error": error}


def _state(readiness: Any) -> tuple[str, str | None]:
    """State and error in the answer of /readyz.

    Raises:
        ValueError: the answer is not from this API.
    """
    match readiness:
        case {"status": "ready"}:
            return UP, None
        case {"status": "not ready", "checks": [*checks]}:
            wrong = [f"{one['name']}: {one['detail']}" for one in checks if one["required"] and not one["ok"]]
            return NOT_READY, "; ".join(wrong) or "it is closing"
    raise ValueError("something else answers there")
