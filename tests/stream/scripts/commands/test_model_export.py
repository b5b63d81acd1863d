"""`relearn model export`: a registered model as JSON, ONNX and a scikit-learn pipeline; each refusal is one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import skops.io

from relearn.schemas.settings import Settings
from tests.support.data import registered, retrains
from tests.support.data.reviewed import model_of
from tests.support.data.rows import query
from tests.support.paths import ROOT
from tests.support.processes.commands import relearn, relearn_process
from tests.support.processes.workers import environment


def test_a_registered_model_is_written_in_each_format(migrated: Settings, tmp_path: Path) -> None:
    retrains.load(migrated, 40)
    version = registered.register(migrated)
    model = model_of(migrated, version)
    rows = np.random.default_rng(0).normal(size=(5, 4))
    expected = rows @ model.weights.T + model.bias

    shown = relearn(migrated, "model", "export", str(version))
    assert shown.returncode == 0, shown.stderr
    described = json.loads(shown.stdout)
    (stored,) = query(migrated, "SELECT sha256 FROM models")
    assert (described["version"], described["sha256"]) == (version, stored["sha256"].hex())
    assert described["weights"] == model.weights.tolist()
    assert shown.stderr == f"model {version} as json: {len(shown.stdout.encode()):,} bytes\n"

    piped = subprocess.run(
        [sys.executable, "-m", "relearn.scripts", "model", "export", str(version), "--format", "onnx"],
        cwd=ROOT,
        env=environment(migrated),
        capture_output=True,
        check=True,
    )
    (margins,) = onnxruntime.InferenceSession(piped.stdout).run(["margins"], {"numbers": rows})
    assert np.abs(margins - expected).max() < 1e-9

    path = tmp_path / "out" / "model.skops"
    path.parent.mkdir()
    written = relearn(migrated, "model", "export", str(version), "--format", "skops", "--output", str(path))
    assert (written.returncode, written.stdout) == (0, ""), written.stderr
    assert list(path.parent.iterdir()) == [path]
    margins = skops.io.load(path).decision_function(rows)
    assert np.abs(margins.reshape(expected.shape) - expected).max() < 1e-9

    nowhere = relearn(migrated, "model", "export", str(version), "--output", str(tmp_path / "no" / "such"))
    assert (nowhere.returncode, nowhere.stdout) == (2, "")
    assert "can't be written: No such file or directory" in nowhere.stderr


def test_a_model_that_does_not_exist_leaves_no_file(migrated: Settings, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    found = relearn_process(migrated, "model", "export", "9", "--format", "onnx", "--output", str(path))
    assert (found.returncode, found.stdout, found.stderr) == (2, "", "relearn: there is no model 9\n")
    assert list(tmp_path.glob("model*")) == []


@pytest.mark.parametrize(("form", "package"), [("onnx", "onnx"), ("skops", "skops.io")])
def test_a_missing_package_is_named_with_its_command(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, form: str, package: str
) -> None:
    """Before Postgres is asked."""
    monkeypatch.setitem(sys.modules, package, None)
    found = relearn(settings, "model", "export", "1", "--format", form)
    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr.strip().endswith(f"pip install 'relearn[{form}]'")
    assert len(found.stderr.splitlines()) == 1


def test_a_terminal_gets_no_binary(settings: Settings) -> None:
    controller, terminal = os.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "relearn.scripts", "model", "export", "1", "--format", "onnx"],
            cwd=ROOT,
            env=environment(settings),
            stdin=subprocess.DEVNULL,
            stdout=terminal,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(terminal)
        os.close(controller)
    assert done.returncode == 2
    assert "onnx is binary and isn't written to a terminal: give --output FILE, or redirect." in done.stderr
