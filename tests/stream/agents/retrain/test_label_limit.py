"""More labels than a training may use, in the real worker: a sample, counted in the lineage, and no label forgotten."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from relearn.schemas.settings import Settings
from relearn.scripts.embedded.keys import ensure_pair
from tests.support.data import retrains, reviewed
from tests.support.data.rows import query, value
from tests.support.processes.commands import relearn
from tests.support.processes.workers import workers

LIMIT, LOADED, REVIEWED = 100, 150, 120


@pytest.fixture
def settings(migrated: Settings) -> Iterator[Settings]:
    """A retrain worker whose trainings use 100 labels, and a first champion of a sample of 150."""
    ensure_pair(migrated.keys_dir)
    limited = migrated.model_copy(update={"train_max_labels": LIMIT, "reviewer_labels": 10})
    with workers(limited, retrain=1) as running:
        retrains.load(limited, LOADED)
        worker = running["retrain-1"]
        job = retrains.ended(limited, retrains.send(limited, "train"), lambda: worker.log[-3000:])
        assert job["state"] == "promoted", job
        yield limited


def _train(settings: Settings) -> dict[str, Any]:
    return retrains.ended(settings, retrains.send(settings, "train"))


def _reviewed(settings: Settings, version: int, activation: int, n: int, *, seed: int, by: str = "ann") -> list[int]:
    """`n` audited records of a model, rightly labelled; their offsets."""
    features, truth = reviewed.records(n, seed=seed)
    offsets, _, _ = reviewed.predict(settings, features, reviewed.model_of(settings, version), activation=activation)
    reviewed.review(settings, offsets, truth, by=by)
    return offsets


def _used(settings: Settings, version: int) -> set[int]:
    """The corrections that a model was trained on."""
    return set(value(settings, "SELECT correction_ids FROM models WHERE version = $1", version))


def test_a_sample_is_in_the_lineage_and_the_rest_is_known(settings: Settings) -> None:
    first = json.loads(relearn(settings, "model", "show", "1", "--json").stdout)
    assert (first["examples"], first["labels_available"], first["labels_limit"]) == (LIMIT, LOADED, LIMIT)
    _reviewed(settings, 1, 1, REVIEWED, seed=5)
    job = _train(settings)
    trained_on, version = job["metrics"]["trained_on"], job["version"]
    assert trained_on["labels"] == {"available": LOADED + REVIEWED, "used": LIMIT, "limit": LIMIT}
    assert trained_on["bootstrap"] + trained_on["reviewed"] == LIMIT
    assert set(range(REVIEWED - LIMIT // 2 + 1, REVIEWED + 1)) <= _used(settings, version), "the newest half"
    rows = job["metrics"]["gate"]["evidence"]["rows"]
    assert rows == REVIEWED, "loaded examples that were known and not used are no new evidence"
    shown = relearn(settings, "model", "show", str(version)).stdout
    assert f"{LIMIT} of {LOADED + REVIEWED} labels" in shown
    exported = relearn(settings, "model", "examples", str(version)).stdout.splitlines()
    assert len(exported) == LIMIT + 1


def test_labels_outside_the_sample_are_known_to_the_limit_of_reviewers_and_repeat_nothing(settings: Settings) -> None:
    """Two reviewers of ten labels a training each: what one training knew doesn't wait for the next one."""
    offsets = _reviewed(settings, 1, 1, REVIEWED, seed=5)
    version = _train(settings)["version"]
    assert len(_used(settings, version)) < REVIEWED
    again = _train(settings)
    assert (again["state"], "nothing new" in again["error"]) == ("skipped", True)
    truth = reviewed.records(REVIEWED, seed=5)[1]
    reviewed.review(settings, offsets[:5], truth[:5])
    repeated = _train(settings)
    assert (repeated["state"], repeated["cut"]) == ("skipped", REVIEWED + 5), "confirmed once more, and no newer"
    activation = int(value(settings, "SELECT max(activation) FROM activations WHERE role = 'champion'"))
    champion = int(value(settings, "SELECT version FROM activations WHERE activation = $1", activation))
    for by in ("bob", "eve"):
        _reviewed(settings, champion, activation, 30, seed=7, by=by)
    trained_on = _train(settings)["metrics"]["trained_on"]
    assert trained_on["labels"]["available"] == LOADED + REVIEWED + 20
    assert {one["reviewer"]: one["reviews"] for one in trained_on["limited"]} == {"bob": 20, "eve": 20}
    newest = query(settings, "SELECT waiting_ids, cut FROM models ORDER BY version DESC LIMIT 1")[0]
    assert (len(newest["waiting_ids"]), newest["cut"]) == (40, REVIEWED + 5 + 60)
