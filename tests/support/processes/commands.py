"""The `relearn` command as a person runs it, on a namespace of the tests."""

from __future__ import annotations

import subprocess
import sys

from relearn.schemas.settings import Settings
from tests.support.paths import ROOT
from tests.support.processes.workers import environment

TIMEOUT_S = 90


def relearn(settings: Settings, *argv: str, **given: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end. `given` are settings by their names without the prefix."""
    return subprocess.run(
        [sys.executable, "-m", "relearn.scripts", *argv],
        cwd=ROOT,
        env=environment(settings, **given),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
