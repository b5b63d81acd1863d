"""`relearn up`: what it prints once everything is up."""

from __future__ import annotations

from pathlib import Path

import pytest

from relearn.schemas.settings import Settings
from relearn.scripts.commands.up import what_is_up
from relearn.scripts.embedded.processes.supervisor import Supervisor
from relearn.scripts.embedded.stack import Stack


def test_another_terminal_is_told_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings that choose the deployment, if any were set, before the commands."""
    now_up = Stack(Settings(), Supervisor(tmp_path), (), ("score-1",))
    for name in ("RELEARN_DATA_DIR", "RELEARN_NAMESPACE"):
        monkeypatch.delenv(name, raising=False)
    assert not any("export" in line for line in what_is_up(now_up))
    monkeypatch.setenv("RELEARN_DATA_DIR", "my data")
    monkeypatch.setenv("RELEARN_NAMESPACE", "other")
    lines = what_is_up(now_up)
    begin = lines.index("Next, in another terminal here:")
    assert lines[begin + 1 : begin + 3] == ["  export RELEARN_DATA_DIR='my data'", "  export RELEARN_NAMESPACE=other"]
    assert lines[begin + 3].startswith("  relearn status")
