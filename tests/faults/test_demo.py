"""`relearn demo --exit`, as a person runs it: servers of its own, a first model, counts that agree; and again."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 240


def demo(data_dir: Path, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RELEARN_")}
    return subprocess.run(
        [sys.executable, "-m", "scripts", "demo", "--exit", *options],
        env={**environment, "RELEARN_DATA_DIR": str(data_dir), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def test_the_demo_ends_with_counts_that_agree_also_on_old_data() -> None:
    """0 only if Kafka, Postgres and Redis say the same; the second run keeps the champion of the first."""
    # Not pytest's own directory: under root, Postgres runs as another user, and pytest shuts others out of it.
    with tempfile.TemporaryDirectory(prefix="relearn-demo-") as directory:
        done = demo(Path(directory), "--rate", "200", "--seconds", "2")
        assert done.returncode == 0, done.stderr + done.stdout
        assert "champion 1, trained on 60 labelled rows" in done.stderr
        assert "All agree: 40" in done.stdout
        again = demo(Path(directory), "--rate", "1000", "--seconds", "1", "--dataset", "digits")
        assert again.returncode == 0, again.stderr + again.stdout
        assert "champion 1, of an earlier run" in again.stderr
        other = demo(Path(directory), "--dataset", "wine")
        assert other.returncode == 2
        assert "other features than wine" in other.stderr
