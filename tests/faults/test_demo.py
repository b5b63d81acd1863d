"""`relearn demo --exit`, as a person runs it: servers of its own, a reviewer, better models, counts that agree."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.paths import ROOT

TIMEOUT_S = 400
WIDTH = 80


@pytest.fixture
def data_dir() -> Iterator[Path]:
    # Not pytest's own directory: under root, Postgres runs as another user, and pytest shuts others out of it.
    with tempfile.TemporaryDirectory(prefix="relearn-demo-") as directory:
        yield Path(directory)


def demo(data_dir: Path, *options: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RELEARN_")} | settings
    return subprocess.run(
        [sys.executable, "-m", "relearn.scripts", "demo", "--exit", *options],
        env={**environment, "RELEARN_DATA_DIR": str(data_dir), "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def names(story: str) -> list[str]:
    """What kinds of lines there are, each once, in order."""
    return list(dict.fromkeys(line.split()[0] for line in story.splitlines() if line and not line.startswith(" ")))


def on_held_back(summary: str, column: int) -> list[float]:
    """The percentages of the champions, the first one first."""
    rows = re.findall(r"^  champion \d+ +([\d.]+) %(?: +([\d.]+) %)?$", summary, re.MULTILINE)
    return [float(row[column]) for row in rows]


@pytest.mark.long
def test_the_first_act_ends_with_a_better_model_and_counts_that_agree(data_dir: Path) -> None:
    """0 only if all of it happened, and Kafka, Postgres and Redis say the same; a second run goes on from there."""
    done = demo(data_dir)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "champion 1, trained on 60 labels" in done.stderr
    told = names(done.stderr)
    assert [name for name in ("answers", "review", "policy", "retrain", "verdict", "swap") if name not in told] == []
    assert re.search(r"^policy +\d+ of \d+ (corrections|labels)", done.stderr, re.MULTILINE)
    assert re.search(r"^verdict +model \d promoted: ", done.stderr, re.MULTILINE)
    right = on_held_back(done.stdout, 0)
    assert right[-1] > right[0] + 1.0
    assert re.search(r"All agree: [\d,]+ records and [1-9][\d,]* answers, each stored exactly once\.", done.stdout)
    assert re.search(r"All agree: score-1 and score-2 serve activation [2-9], as in Postgres\.", done.stdout)
    assert max(len(line) for line in (done.stderr + done.stdout).splitlines()) <= WIDTH
    again = demo(data_dir, "--rate", "1000", "--seconds", "4", "--seed", "1")
    assert again.returncode == 0, again.stderr + again.stdout
    assert re.search(r"champion [2-9] of an earlier run", again.stderr)
    assert "4 s are over" in again.stderr
    assert "All agree: " in again.stdout


@pytest.mark.long
def test_a_first_model_that_nothing_followed_is_no_success(data_dir: Path) -> None:
    """The output has the state and the policy's reason."""
    done = demo(data_dir, "--rate", "200", "--seconds", "2")
    assert done.returncode == 1, done.stderr + done.stdout
    assert "All agree: " in done.stdout
    said = " ".join(done.stdout.split())
    waits = r"the policy: \d+ of \d+ (corrections|labels) until the next training"
    assert re.search(rf"Nothing was promoted\. No training was requested; {waits}", said)
    other = demo(data_dir, "--dataset", "wine", RELEARN_NAMESPACE="relearn")
    assert other.returncode == 2
    assert "other features than wine" in other.stderr


@pytest.mark.long
def test_the_second_act_ends_with_a_model_that_knows_the_shift(data_dir: Path) -> None:
    """In a namespace of its own beside the first act's: drift is seen and named, and accuracy comes back."""
    done = demo(data_dir, "--dataset", "breast_cancer", "--drift")
    assert done.returncode == 0, done.stderr + done.stdout
    assert "namespace relearn-breast-cancer" in done.stderr
    told = names(done.stderr)
    wanted = ("answers", "review", "shift", "errors", "drift", "retrain", "verdict", "swap")
    assert [name for name in wanted if name not in told] == []
    story = " ".join(done.stderr.split())
    assert "6 readings are 2 standard deviations higher from now on" in story
    assert re.search(r"drift seen in \d+ readings?: [\w ]+ \(PSI \d", story), done.stderr
    plain, shifted = (on_held_back(done.stdout, column) for column in (0, 1))
    assert plain[0] > 90
    assert shifted[0] < 80
    assert shifted[-1] > shifted[0] + 5.0
    assert max(len(line) for line in (done.stderr + done.stdout).splitlines()) <= WIDTH
