"""A score worker with a mapping: messages of another shape become rows, tombstones nothing, the others dead letters."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from relearn.schemas.messages.ingest import encode_record
from relearn.schemas.settings import Settings
from tests.stream.agents.score.test_role import rows, send
from tests.support.data import models
from tests.support.data.rows import query, value
from tests.support.processes.commands import relearn
from tests.support.processes.workers import workers
from tests.support.servers.namespaces import Namespaces
from tests.support.waiting import eventually

MAPPING = """
id = "no"
subject = "who"
[features]
x1 = "v.x1"
x2 = "v.x2"
x3 = "v.x3"
x4 = "v.x4"
"""


@pytest.fixture(scope="module")
def running(namespaces: Namespaces, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """One score worker with the mapping, and one store worker."""
    directory = tmp_path_factory.mktemp("mapping")
    (directory / "mapping.toml").write_text(MAPPING)
    plain = namespaces.fresh(directory, partitions=2)
    settings = plain.model_copy(update={"ingest_mapping": directory / "mapping.toml"})
    models.publish(settings, models.a_model(), 1)
    with workers(settings, score=1, store=1) as found:
        found["score-1"].wait_for("worker_ready")
        yield settings


def condition(settings: Settings) -> Any:
    """What `relearn status` knows."""
    return json.loads(relearn(settings, "status", "--json").stdout)


def row(subject: str, **values: Any) -> dict[str, Any]:
    return {"no": 7, "who": subject, "v": {"x1": 1, "x2": 2.5, "x3": True, "x4": -4, **values}}


def test_rows_dead_letters_and_tombstones_are_told_apart(running: Settings) -> None:
    """And a dead letter keeps its bytes: it is shown, and is read by the mapping when it is sent again."""
    subject = f"s-{uuid.uuid4().hex}"
    good = [
        {"schema": {}, "payload": {"before": None, "after": row(subject), "op": "c"}},
        {"before": None, "after": row(subject), "op": "u"},
        row(subject),
    ]
    wrong = json.dumps(row(subject, x2="two")).encode()
    skipped: list[bytes | None] = [None, b'{"before": {}, "after": null, "op": "d"}']
    own = encode_record(np.array([1.0, 2.5, 1.0, -4.0]), record_id="7", subject=subject)
    send(running, *(json.dumps(one).encode() for one in good), wrong, *skipped, own)
    found = rows(running, subject, 4)
    assert [(one["features"], one["id"], one["record_index"]) for one in found] == [([1.0, 2.5, 1.0, -4.0], "7", 0)] * 4
    eventually(lambda: value(running, "SELECT count(*) FROM dead_letters") == 1, "no dead letter")
    (letter,) = query(running, "SELECT * FROM dead_letters")
    assert (letter["reason"], bytes(letter["value"])) == ("mapping", wrong)
    assert letter["error"] == "feature 'x2': v.x2 is a text; it should be a number"
    assert '"x2": "two"' in relearn(running, "dlq", "show", str(letter["id"])).stdout
    assert relearn(running, "dlq", "redrive", str(letter["id"])).returncode == 0
    eventually(lambda: value(running, "SELECT count(*) FROM dead_letters") == 2, "it was not read again")
    again = query(running, "SELECT * FROM dead_letters ORDER BY id DESC LIMIT 1")[0]
    assert (again["reason"], bytes(again["value"])) == ("mapping", wrong)

    def counted() -> bool:
        return [worker["skipped"] for worker in condition(running)["workers"] if worker["role"] == "score"] == [2]

    eventually(counted, "no heartbeat has the tombstones")


def test_a_feature_without_a_path_is_waited_for_and_shown(namespaces: Namespaces, tmp_path: Path) -> None:
    """Nothing is scored or rejected, and status names the feature, until the mapping is mended."""
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(MAPPING.replace("x4 =", "x5 ="))
    settings = namespaces.fresh(tmp_path, partitions=1).model_copy(update={"ingest_mapping": mapping})
    models.publish(settings, models.a_model(), 1)
    with workers(settings, score=1, store=1) as found:
        send(settings, json.dumps(row("s")).encode())
        expected = "waiting: no path for the model's 'x4' in RELEARN_INGEST_MAPPING="
        eventually(
            lambda: any(worker["condition"].startswith(expected) for worker in condition(settings)["workers"]),
            found["score-1"].told,
        )
        mapping.write_text(MAPPING)
        assert found["score-1"].terminate() == 0
        found["score-1"].start()
        assert rows(settings, "s", 1)[0]["id"] == "7"
        assert value(settings, "SELECT count(*) FROM dead_letters") == 0
