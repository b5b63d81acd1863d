"""The JSON is enough: the program in the docs scores with it alone, as Relearn does."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from relearn.agents.learning.fit import fit
from relearn.agents.learning.predict import score
from relearn.scripts.model_formats.json_description import json_description
from tests.support.data.documented import programs
from tests.support.data.mixed import SCHEMA, mixed_set, row
from tests.support.data.mixed_models import Scored, scored

PROGRAM = programs("docs/model-export.md")[0]
SHA256 = bytes(range(32))
MODEL = fit(mixed_set(200)).as_model(7, SCHEMA.names)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The names of the docs' program after it has run beside a model of MODEL."""
    folder = tmp_path_factory.mktemp("json")
    (folder / "model.json").write_bytes(json_description(MODEL, SHA256))
    names: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        exec(PROGRAM, names)
    return names


def test_the_program_in_the_docs_scores_its_record(program: dict[str, Any]) -> None:
    Scored(MODEL, [["red", None, "t99", 10.2]]).check(np.array([program["margins"]]), [program["label"]])


@settings(max_examples=150)
@given(given_=scored())
def test_it_scores_any_model_as_relearn_does(program: dict[str, Any], given_: Scored) -> None:
    model = json.loads(json_description(given_.model, SHA256))
    names = [one["name"] for one in model["features"]]
    found = [program["score"](model, dict(zip(names, one, strict=True))) for one in given_.records]
    given_.check(np.array([margins for _, margins in found]), [label for label, _ in found])


def test_it_describes_the_model() -> None:
    found = json.loads(json_description(MODEL, SHA256))
    assert (found["format"], found["format_version"], found["version"]) == ("relearn-linear-svm", 1, 7)
    assert (found["sha256"], found["classes"]) == (SHA256.hex(), ["no", "yes"])
    assert found["features"][:2] == [
        {"name": "colour", "kind": "category", "missing": True},
        {"name": "age", "kind": "number", "missing": True},
    ]
    assert MODEL.encoder is not None
    assert found["columns"][:3] == [
        {"feature": "age", "column": "number", "if_missing": MODEL.encoder.numbers[0].imputed},
        {"feature": "income", "column": "number", "if_missing": MODEL.encoder.numbers[1].imputed},
        {"feature": "age", "column": "missing"},
    ]
    assert {"feature": "colour", "column": "level", "level": "blue, dark"} in found["columns"]
    assert len(found["columns"]) == len(found["mean"]) == len(found["scale"]) == len(found["weights"][0])
    assert found["metrics"] == MODEL.metrics
    assert set(found["rules"]) == {one["column"] for one in found["columns"]} | {"margin", "label", "confidence"}


def test_its_calibration_gives_relearns_confidence() -> None:
    """By the rule for two classes."""
    found = json.loads(json_description(MODEL, SHA256))
    rows = np.array([row(["red", 30.0, "t0", 9.0]), row([None, 55.0, "t1", 12.0])])
    scores = score(MODEL, rows)
    a, b = found["calibration"]["a"][0], found["calibration"]["b"][0]
    chance = 1 / (1 + np.exp(a * scores.margins[:, 0] + b))
    assert np.where(scores.labels == 1, chance, 1 - chance) == pytest.approx(scores.confidence, rel=1e-6)
