"""Attacks on the API from its own document: schemathesis, its output and its report."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from relearn.agents.stores.dead_letters import store_dead_letters
from relearn.agents.stores.postgres import open_pool
from relearn.schemas.http.operations import OPERATIONS
from relearn.schemas.messages.dead_letters import DeadLetter
from relearn.schemas.openapi import openapi
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name
from relearn.scripts.dev.documents import text_of
from tests.support.api.filled import review, store
from tests.support.data.blocks import block_of
from tests.support.data.models import publish
from tests.support.data.registered import register
from tests.support.data.retrains import load
from tests.support.data.reviewed import model_of

CONFIG = Path(__file__).with_name("schemathesis.toml")
PREDICTION, BATCH = "2-10481-0", "2026-01-31"


@dataclass(frozen=True)
class Attack:
    """The result: `said` has a curl line for each fault; per operation (`GET /livez`) its cases and their statuses."""

    faults: bool
    said: str
    statuses: dict[str, Counter[int]]

    def cases(self, operation: str) -> int:
        return self.statuses.get(operation, Counter()).total()

    def succeeded(self, operation: str) -> bool:
        """Whether any case was answered as the operation is meant to."""
        return any(200 <= status < 300 for status in self.statuses.get(operation, ()))


def attack(url: str, directory: Path, *options: str) -> Attack:
    """Attack every operation of the API at `url`, pages too; the report goes to `directory`."""
    program, report = Path(sys.executable).with_name("schemathesis"), directory / "attack.ndjson"
    document = directory / "openapi.json"
    document.write_text(text_of(openapi(OPERATIONS)))
    written = ["--report", "ndjson", "--report-ndjson-path", str(report), "--no-color", "--continue-on-failure"]
    done = subprocess.run(
        [program, "--config-file", CONFIG, "run", document, "--url", url, *written, *options],
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    statuses: dict[str, Counter[int]] = {}
    for operation, status in _cases(report):
        statuses.setdefault(operation, Counter())[status] += 1
    return Attack(done.returncode != 0, done.stdout, statuses)


def _cases(report: Path) -> Iterator[tuple[str, int]]:
    """Operation and status of every case, 0 without a response; empty if it never started."""
    if not report.exists():
        return
    with report.open() as lines:
        for line in lines:
            finished: Any = json.loads(line).get("ScenarioFinished")
            recorded = {} if finished is None else finished["recorder"]
            for name, case in recorded.get("cases", {}).items():
                answer = recorded["interactions"].get(name, {}).get("response") or {}
                yield f"{case['value']['method']} {case['value']['path']}", answer.get("status_code", 0)


async def fill(settings: Settings) -> None:
    """Store what the document's examples name: records of two features, one of them reviewed, and dead letters."""
    n, pool = 20, await open_pool(settings, size=1)
    columns: dict[str, Any] = {"classes": ("no", "yes"), "model": 2, "activation": 2, "batches": [BATCH] * n}
    try:
        await store(pool, block_of(n, partition=2, first_offset=10_481, d=2, **columns))
        await review(pool, 1, PREDICTION, "yes")
        ingest = topic_name(settings.namespace, "ingest")
        wrong = b'{"features": [1, 2, 3]}'
        letter = DeadLetter("score", "text", "why", ingest, 0, 2, 9, (0,), 1_790_000_000.0, None, wrong)
        await store_dead_letters(pool, [replace(letter, offset=offset) for offset in range(n)])
    finally:
        pool.terminate()


def train_two(settings: Settings) -> None:
    """Two versions of a model of two features, with their jobs; the second is live."""
    load(settings, d=2)
    for version in (register(settings), register(settings)):
        publish(settings, model_of(settings, version), version)
