"""Modules that are slow to import, or unsafe, and where they stay out."""

from __future__ import annotations

import subprocess
import sys

from tests.support.imports import ROOMS, imports
from tests.support.paths import ROOT


def test_scikit_learn_stays_out_of_the_workers_and_of_the_training_process() -> None:
    """It takes a second to import. The solver's tests have it as their reference."""
    assert [path for path, name in imports("agents") if name.split(".")[0] == "sklearn"] == []
    roles = ", ".join(f"relearn.agents.{role}.role" for role in ("score", "store", "feedback", "retrain", "results"))
    code = f"import sys, {roles}, relearn.agents.learning.fit; print('sklearn' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert found.stdout.strip() == "False"


def test_nothing_unpickles() -> None:
    """But for what is run beside Relearn to compare it with, in an environment of its own."""
    unsafe, others = {"pickle", "joblib", "dill", "cloudpickle"}, "scripts/dev/bench/api/rivals/"
    found = [(path, name) for room in ROOMS for path, name in imports(room) if not path.startswith(others)]
    assert [f"{path} imports {name}" for path, name in found if name.split(".")[0] in unsafe] == []
