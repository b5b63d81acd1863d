"""skops: scikit-learn computes Relearn's margins and labels from the file, which needs no trust but of a dtype."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from hypothesis import given, settings

from relearn.agents.learning.fit import fit
from relearn.schemas.errors import SetupError
from relearn.schemas.features import Value, schema_fields
from relearn.schemas.model.linear_svm import Floats
from relearn.scripts.model_formats.sklearn_pipeline import TRUSTED, skops_model
from tests.support.data.documented import programs
from tests.support.data.mixed import SCHEMA, mixed_set
from tests.support.data.mixed_models import Scored, scored
from tests.support.data.models import a_model

SHA256 = bytes(range(32))
MODEL = fit(mixed_set(200)).as_model(7, SCHEMA.names)


def _margins(pipeline: Any, table: Any) -> Floats:
    """(n, 1) or (n, k); scikit-learn's of two classes are (n,)."""
    found = pipeline.decision_function(table)
    return np.asarray(found).reshape(len(table), -1)


@settings(max_examples=60)
@given(scored())
def test_scikit_learn_scores_any_model_as_relearn_does(given_: Scored) -> None:
    """A missing value as None and as NaN."""
    body = skops_model(given_.model, SHA256)
    assert set(skops.io.get_untrusted_types(data=body)) <= set(TRUSTED)
    pipeline = skops.io.loads(body, trusted=list(TRUSTED))
    for missing in (None, np.nan):
        cells = [[missing if one is None else one for one in record] for record in given_.records]
        table = np.array(cells, dtype=object)
        given_.check(_margins(pipeline, table), pipeline.predict(table).tolist())


def test_the_program_in_the_docs_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model.skops").write_bytes(skops_model(MODEL, SHA256))
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(programs("docs/model-export.md")[2], names)
    records: list[list[Value]] = [["red", 41.0, "t0", 10.2], [None, None, "t99", 9.1]]
    Scored(MODEL, records).check(names["margins"].reshape(-1, 1), names["label"].tolist())
    facts = {"version": 7, "sha256": SHA256.hex(), "features": schema_fields(SCHEMA)}
    assert names["pipeline"].relearn_ == facts


def test_a_model_of_numbers_alone_needs_no_trust() -> None:
    model = a_model(classes=("b", "a", "c"))
    pipeline = skops.io.loads(skops_model(model, SHA256))
    records: list[list[Value]] = [[1.0, -2.0, 3.0, 0.5], [0.0, 0.0, 0.0, 1e6]]
    table = np.array(records)
    Scored(model, records).check(pipeline.decision_function(table), pipeline.predict(table).tolist())


def test_without_the_package_there_is_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skops", None)
    monkeypatch.setitem(sys.modules, "skops.io", None)
    with pytest.raises(SetupError, match=r"pip install 'relearn\[skops\]'"):
        skops_model(MODEL, SHA256)
