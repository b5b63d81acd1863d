"""`relearn model import`, as a person runs it: a scikit-learn file through the gate, on the real servers."""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from relearn.schemas.model.linear_svm import encode_model
from relearn.schemas.settings import Settings
from relearn.scripts.embedded.keys import ensure_pair
from tests.support.data import retrains
from tests.support.data.models import a_model
from tests.support.data.reviewed import model_of
from tests.support.data.rows import query
from tests.support.processes.commands import relearn
from tests.support.processes.workers import workers

NAMES = ("x1", "x2", "x3", "x4")
X = np.random.default_rng(5).normal(size=(200, 4))


def written(path: Path, model: Any, names: tuple[str, ...] | None = NAMES) -> str:
    """A file with the model; `names`: as if it was fitted on a data frame."""
    model = copy.deepcopy(model)
    if names is not None:
        (model[0] if hasattr(model, "steps") else model).feature_names_in_ = np.array(names, dtype=object)
    path.write_bytes(skops.io.dumps(model))
    return str(path)


def fitted(by: int) -> Any:
    """A pipeline that answers "yes" where the feature at this place is above 0. The test's records go by the first."""
    return make_pipeline(StandardScaler(), LinearSVC()).fit(X, np.where(X[:, by] > 0, "yes", "no"))


def imported(settings: Settings, *argv: str) -> dict[str, Any]:
    """The outcome of an import as JSON."""
    found = relearn(settings, "model", "import", *argv, "--json")
    assert found.returncode in (0, 1), found.stderr
    outcome: dict[str, Any] = json.loads(found.stdout)
    return outcome


def test_a_model_of_others_goes_through_the_gate(migrated: Settings, tmp_path: Path) -> None:
    ensure_pair(migrated.keys_dir)
    with workers(migrated, retrain=1):
        _the_first_gives_the_namespace_its_features(migrated, tmp_path)
        _a_better_one_is_promoted_on_evidence(migrated, tmp_path)
        _what_is_not_known_to_be_better_is_a_shadow(migrated, tmp_path)
        _training_goes_on(migrated, tmp_path)
        _what_is_not_stored_or_of_other_features_fails(migrated)
    assert query(migrated, "SELECT count(*) FROM imports")[0][0] >= 3


def _the_first_gives_the_namespace_its_features(settings: Settings, tmp_path: Path) -> None:
    """Where nothing can judge it and nothing else answers, it is the champion."""
    worse = fitted(by=3)
    unnamed = relearn(settings, "model", "import", written(tmp_path / "unnamed.skops", worse, None))
    assert unnamed.returncode == 2
    assert "the namespace has no features yet, and the file has no feature names" in unnamed.stderr
    path = written(tmp_path / "worse.skops", worse)
    tried = relearn(settings, "model", "import", path, "--dry-run")
    assert (tried.returncode, tried.stdout) == (0, ""), tried.stderr
    assert "read: Pipeline(StandardScaler, LinearSVC), " in tried.stderr
    assert "note: the namespace had no features; it gets those of the file: x1, x2, x3 and 1 more" in tried.stderr
    assert query(settings, "SELECT * FROM imports") == []
    outcome = imported(settings, path, "--as", "challenger")
    job, model = outcome["job"], outcome["model"]
    assert (job["command"], job["state"], model["version"], model["state"]) == ("import", "promoted", 1, "champion")
    assert job["metrics"]["gate"]["why"] == "there is no champion, and no labelled record that could judge it"
    assert (model["examples"], model["metrics"]["imported"]["file"]) == (0, "worse.skops")
    x = np.random.default_rng(0).normal(size=(5, 4))
    stored = model_of(settings, 1)
    margins = x @ stored.weights.T + stored.bias
    assert np.abs(margins[:, 0] - worse.decision_function(x)).max() < 1e-9
    shown = relearn(settings, "model", "show", "1")
    assert shown.returncode == 0, shown.stderr
    assert "imported      Pipeline(StandardScaler, LinearSVC) from worse.skops" in shown.stdout
    assert f"file        SHA-256 {job['reason']['sha256']}" in shown.stdout


def _a_better_one_is_promoted_on_evidence(settings: Settings, tmp_path: Path) -> None:
    """The champion was imported too, so that all labelled records judge both."""
    retrains.load(settings, 60)
    other = LogisticRegression().fit(X, np.where(X[:, 0] > 0, "maybe", "no"))
    lacking = relearn(settings, "model", "import", written(tmp_path / "other.skops", other))
    assert lacking.returncode == 2
    assert "the champion answers 'yes', which the file doesn't know: it has 'maybe', 'no'" in lacking.stderr
    path = written(tmp_path / "better.skops", fitted(by=0))
    outcome = imported(settings, path)
    gate = outcome["job"]["metrics"]["gate"]
    assert (outcome["job"]["state"], gate["path"], gate["evidence"]["rows"]) == ("promoted", "evidence", 60)
    assert outcome["model"]["metrics"]["accuracy"] > 0.9
    assert len(outcome["model"]["metrics"]["confusion"]) == 2
    assert model_of(settings, 2).calibration is not None
    shown = relearn(settings, "job", "show", outcome["job"]["id"])
    for part in (": import, promoted", "on labels", "gate          promoted: on the evidence", "sha256 "):
        assert part in shown.stdout
    again = imported(settings, path)
    assert again["job"]["state"] == "skipped"
    assert again["job"]["error"] == "nothing new: these are the numbers of model 2, the champion"
    exported = str(tmp_path / "exported.skops")
    assert relearn(settings, "model", "export", "2", "--format", "skops", "--output", exported).returncode == 0
    assert imported(settings, exported)["job"]["error"] == again["job"]["error"]


def _what_is_not_known_to_be_better_is_a_shadow(settings: Settings, tmp_path: Path) -> None:
    """`--knows-labels`: none that there is judges it."""
    path = written(
        tmp_path / "third.skops",
        fitted(by=0).set_params(linearsvc__C=0.01).fit(X, np.where(X[:, 0] > 0.1, "yes", "no")),
    )
    outcome = imported(settings, path, "--knows-labels")
    gate = outcome["job"]["metrics"]["gate"]
    assert (outcome["job"]["state"], gate["evidence"]["rows"]) == ("shadow", 0)
    retrains.send(settings, "hold")
    worse = imported(settings, written(tmp_path / "fourth.skops", fitted(by=2)))
    assert worse["job"]["state"] == "shadow"
    assert imported(settings, path, "--knows-labels")["job"]["state"] == "shadow"
    states = [(row[0], row[1]) for row in query(settings, "SELECT version, state FROM models ORDER BY version")]
    assert states == [(1, "former"), (2, "champion"), (3, "rejected"), (4, "rejected"), (5, "shadow")]
    assert relearn(settings, "model", "resume").returncode == 0


def _training_goes_on(settings: Settings, tmp_path: Path) -> None:
    """A training learns from all labels, and the imported champion judges it as any other would."""
    trained = json.loads(
        relearn(settings, "model", "train", "--data", _table(tmp_path), "--label", "y", "--json").stdout
    )
    assert (trained["job"]["state"], trained["model"]["version"]) == ("shadow", 6)
    assert trained["job"]["metrics"]["gate"]["evidence"]["rows"] == 80
    retrains.send(settings, "train", command_id="again")
    job = retrains.ended(settings, "again")
    assert job["state"] == "skipped"
    assert "these very examples" in job["error"]
    back = relearn(settings, "model", "rollback", "--json")
    assert json.loads(back.stdout)["model"]["version"] == 1


def _what_is_not_stored_or_of_other_features_fails(settings: Settings) -> None:
    """As after a change of the features between the reading of the file and the job."""
    query(settings, "INSERT INTO imports (job, body) VALUES ('other', $1)", encode_model(a_model(d=5)))
    for job, why in (("nowhere", "isn't stored any more"), ("other", "aren't those that the file was read for")):
        retrains.send(settings, "import", command_id=job)
        found = retrains.ended(settings, job)
        assert (found["state"], found["version"]) == ("failed", None)
        assert why in found["error"]


def _table(tmp_path: Path) -> str:
    path = tmp_path / "more.csv"
    rows = np.random.default_rng(9).normal(size=(20, 4))
    lines = [",".join([*map(repr, row), "yes" if row[0] > 0 else "no"]) for row in rows.tolist()]
    path.write_text("\n".join([",".join([*NAMES, "y"]), *lines]) + "\n")
    return str(path)


def test_a_file_that_can_not_be_used_is_one_line_and_exit_code_2(migrated: Settings, tmp_path: Path) -> None:
    dummy = written(tmp_path / "dummy.skops", DummyClassifier().fit(X, X[:, 0] > 0), None)
    broken = tmp_path / "broken.skops"
    broken.write_bytes(b"PK")
    cases = {dummy: "DummyClassifier: only LinearSVC", str(broken): "skops file", str(tmp_path / "no"): "No such file"}
    for path, why in cases.items():
        found = relearn(migrated, "model", "import", path)
        assert (found.returncode, found.stdout) == (2, "")
        assert why in found.stderr
        assert len(found.stderr.strip().splitlines()) == 1
    assert query(migrated, "SELECT * FROM jobs") == []


def test_a_missing_package_is_named_with_its_command(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skops.io", None)
    found = relearn(settings, "model", "import", "x.skops")
    assert found.returncode == 2
    assert found.stderr.strip().endswith("pip install 'relearn[skops]'")
