"""The report of the fault suite: a run replaces what it measured again, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

from relearn.scripts.dev.bench.faults.fault import Measure
from relearn.scripts.dev.bench.faults.report import write_report
from relearn.scripts.dev.bench.faults.schedule import Outcome


def _outcome(fault: str, seconds: float, bar: float | None = None) -> Outcome:
    return Outcome((fault,), ("a bar",), 0, measures=[Measure("took", seconds, "s", bar)])


def test_a_run_replaces_the_rows_of_its_faults_and_its_size(tmp_path: Path) -> None:
    """Rows stay in the order of the catalogue and of the sizes; a missed bar is named."""
    write_report(tmp_path, [_outcome("roll", 1.0), _outcome("kill", 2.0)], "medium")
    write_report(tmp_path, [_outcome("kill", 3.0, 2.5)], "small")
    write_report(tmp_path, [_outcome("roll", 4.0)], "medium")
    rows = json.loads((tmp_path / "faults.json").read_text())
    found = [(one["faults"][0], one["size"], one["measures"][0]["value"], one["passed"]) for one in rows]
    assert found == [("kill", "small", 3.0, False), ("kill", "medium", 2.0, True), ("roll", "medium", 4.0, True)]
    page = (tmp_path / "faults.md").read_text()
    assert "**fail**: took: 3 s > 2.5" in page
    assert page.count("| pass |") == 2
