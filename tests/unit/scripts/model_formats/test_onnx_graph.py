"""ONNX: onnxruntime computes Relearn's margins and labels from the file."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.reference
import onnxruntime
import pytest
from hypothesis import given, settings

from relearn.agents.learning.fit import fit
from relearn.schemas.errors import SetupError
from relearn.schemas.features import Value
from relearn.schemas.model.encoder import CategoryPart, Encoder
from relearn.schemas.model.linear_svm import Model
from relearn.scripts.model_formats.onnx_graph import missing_token, onnx_model
from tests.support.data.documented import programs
from tests.support.data.mixed import SCHEMA, mixed_set
from tests.support.data.mixed_models import Scored, scored
from tests.support.data.models import a_model

SHA256 = bytes(range(32))
MODEL = fit(mixed_set(200)).as_model(7, SCHEMA.names)


def _inputs(model: Model, records: Sequence[Sequence[Value]]) -> dict[str, Any]:
    schema, token = model.schema, missing_token(model)
    numbers = [[np.nan if one[i] is None else one[i] for i in schema.numbers] for one in records]
    levels = [[token if one[i] is None else one[i] for i in schema.strings] for one in records]
    found = {"numbers": np.array(numbers, dtype=np.float64), "categories": np.array(levels, dtype=object)}
    return {name: array for name, array in found.items() if array.shape[1]}


@settings(max_examples=100)
@given(scored())
def test_onnxruntime_scores_any_model_as_relearn_does(given_: Scored) -> None:
    """Except the missing token as an unknown level, which no input can say."""
    model = given_.model
    token = missing_token(model)
    records = [[None if value == token else value for value in one] for one in given_.records]
    session = onnxruntime.InferenceSession(onnx_model(model, SHA256))
    labels, margins = session.run(["label", "margins"], _inputs(model, records))
    Scored(model, records).check(margins, labels.tolist())


def test_the_program_in_the_docs_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model.onnx").write_bytes(onnx_model(MODEL, SHA256))
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(programs("docs/model-export.md")[1], names)
    records: list[list[Value]] = [["red", 41.0, "t0", 10.2], [None, None, "t99", 9.1]]
    Scored(MODEL, records).check(names["margins"], names["label"].tolist())


def test_the_reference_implementation_reads_it_too() -> None:
    records: list[list[Value]] = [["red", 41.0, "t0", 10.2], [None, None, "t99", 9.1]]
    reference = onnx.reference.ReferenceEvaluator(onnx.load_from_string(onnx_model(MODEL, SHA256)))
    labels, margins = reference.run(["label", "margins"], _inputs(MODEL, records))
    Scored(MODEL, records).check(margins, labels.tolist())


def test_of_equal_margins_the_first_wins() -> None:
    model = a_model(classes=("b", "a", "c"))
    model = Model(1, model.classes, model.feature_names, np.ones((3, 4)), np.zeros(3), model.mean, model.scale)
    session = onnxruntime.InferenceSession(onnx_model(model, SHA256))
    assert session.run(["label"], {"numbers": np.ones((2, 4))})[0].tolist() == ["b", "b"]
    assert session.run(["label"], {"numbers": np.ones((0, 4))})[0].tolist() == []


def test_the_missing_token_is_no_level() -> None:
    part = CategoryPart(True, ("", "<missing>"))
    model = Model(
        1, ("0", "1"), ("c",), np.ones((1, 4)), np.zeros(1), np.zeros(4), np.ones(4), encoder=Encoder((part,))
    )
    assert (missing_token(model), missing_token(MODEL)) == ("<<missing>>", "")


def test_the_file_describes_itself() -> None:
    found = onnx.load_from_string(onnx_model(MODEL, SHA256))
    facts = {one.key: one.value for one in found.metadata_props}
    assert (found.producer_name, found.model_version, facts["sha256"]) == ("relearn", 7, SHA256.hex())
    assert (json.loads(facts["numbers"]), json.loads(facts["categories"])) == (["age", "income"], ["colour", "town"])
    assert (json.loads(facts["classes"]), facts["missing_category"]) == (["no", "yes"], "")
    assert [one.name for one in found.graph.output] == ["label", "margins"]
    assert onnx_model(MODEL, SHA256) == onnx_model(MODEL, SHA256)


def test_without_the_package_there_is_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(SetupError, match=r"pip install 'relearn\[onnx\]'"):
        onnx_model(MODEL, SHA256)
