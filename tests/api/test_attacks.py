"""The API answers any request as documented: no internal errors, no tracebacks in the log."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from relearn.schemas.http.operations import OPERATIONS
from relearn.schemas.settings import Settings
from tests.support.api.attack import Attack, attack, fill, train_two
from tests.support.data.keyed import a_key
from tests.support.processes.apis import ApiProcess, an_api
from tests.support.processes.workers import workers
from tests.support.size import FULL

LEAST = 1000
#: The output of schemathesis names the seed.
SIZE = ["--max-examples", str(LEAST), "--seed", str(random.randrange(2**32))] if FULL else []
ATTACKED = {f"{one.method} {one.path}": one for one in OPERATIONS if one.id != "stream_events"}
#: Those take nothing, not even a key: there is one case of each.
BARE = {
    name for name, one in ATTACKED.items() if not (one.role or one.path_type or one.query or one.body or one.idempotent)
}


@pytest.fixture
def api(migrated: Settings) -> Iterator[ApiProcess]:
    """The API over some data of each kind; in the long run with workers, so that requests are also stored."""
    train_two(migrated)
    asyncio.run(fill(migrated))
    with ExitStack() as running:
        if FULL:
            running.enter_context(workers(migrated, score=1, store=1, feedback=1))
        process = running.enter_context(an_api(migrated, REVIEW_CLAIM_S="1"))
        process.wait_for("event=model_swapped")
        process.wait_for("what=migrations ok=true")
        yield process


def check(found: Attack, api: ApiProcess) -> None:
    """No faults in any operation, and each operation had a request that succeeded."""
    assert not found.faults, found.said
    assert not [name for name in ATTACKED if not found.cases(name)], "never asked"
    assert not [name for name in ATTACKED if not found.succeeded(name)], "never asked for what there is: see `fill`"
    for trace in ("Traceback", "event=request_failed"):
        assert trace not in api.log, api.log[-10_000:]
    assert not errors(api.log)
    assert api.process.poll() is None


def errors(log: str) -> list[str]:
    """Its lines of that level; without aiokafka's on a topic that has just been made and has no leader yet."""
    return [line for line in log.splitlines() if "level=error" in line and "logger=aiokafka" not in line]


def test_nothing_that_is_sent_with_a_key_is_a_fault(api: ApiProcess, migrated: Settings, tmp_path: Path) -> None:
    key = asyncio.run(a_key(migrated))
    header = ["--header", f"Authorization: Bearer {key}"]
    check(attack(f"http://127.0.0.1:{api.port}", tmp_path, *header, *SIZE), api)


def test_nothing_that_is_sent_without_keys_is_a_fault(api: ApiProcess, tmp_path: Path) -> None:
    """Local callers have every role, with any key."""
    any_key = ["--exclude-checks", "ignored_auth,missing_required_header,negative_data_rejection"]
    found = attack(f"http://127.0.0.1:{api.port}", tmp_path, "--phases", "examples,fuzzing,stateful", *any_key, *SIZE)
    check(found, api)
    if FULL:
        assert not {name: n for name in ATTACKED if (n := found.cases(name)) < LEAST and name not in BARE}


class Broken(BaseHTTPRequestHandler):
    """Answers any request with an undocumented status."""

    def do_GET(self) -> None:
        self.send_error(500)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Nothing."""


def test_an_api_that_fails_is_found_out(tmp_path: Path) -> None:
    """With a line to recognize it; otherwise the tests above would prove nothing."""
    with HTTPServer(("127.0.0.1", 0), Broken) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            url = f"http://127.0.0.1:{server.server_port}"
            found = attack(url, tmp_path, "--include-operation-id", "get_liveness", "--phases", "fuzzing")
        finally:
            server.shutdown()
            serving.join()
    assert found.faults
    assert f"curl -X GET {url}/livez" in found.said
    assert found.cases("GET /livez")
    assert not found.succeeded("GET /livez")
