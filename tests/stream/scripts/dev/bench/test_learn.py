"""`relearn bench learn`, as a person runs it: both scenes on servers of their own, for about two minutes in all."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.paths import ROOT
from tests.support.waiting import eventually

#: With servers that start and stop, on a machine that does much else.
TIMEOUT_S = 400
BETTER = re.compile(r"champion ([2-9]|\d\d)")


@pytest.fixture
def directory() -> Iterator[Path]:
    """Not pytest's own directory: under root, Postgres runs as another user, and pytest shuts others out of it."""
    with tempfile.TemporaryDirectory(prefix="relearn-learn-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def bench(directory: Path) -> Iterator[Bench]:
    running = Bench(directory)
    yield running
    running.end()


class Bench:
    """The command, with its temporary directories, its output and its picture in `directory`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.svg, self._out, self._err = (directory / name for name in ("learn.svg", "out", "err"))
        (directory / "tmp").mkdir()
        (directory / "tmp").chmod(0o755)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *options: str) -> subprocess.Popen[bytes]:
        """Start it, as JSON and with a picture."""
        plain = {name: value for name, value in os.environ.items() if not name.startswith("RELEARN_")}
        given = {"PYTHONPATH": str(ROOT / "src"), "TMPDIR": str(self.directory / "tmp")}
        argv = [sys.executable, "-m", "relearn.scripts", "bench", "learn", "--json", "--svg", str(self.svg), *options]
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self._process = subprocess.Popen(argv, env={**plain, **given}, stdout=out, stderr=err)
        return self._process

    def words(self) -> str:
        """All that it wrote to stderr."""
        return self._err.read_text()

    def scene(self) -> dict[str, Any]:
        """The scene that it played."""
        (found,) = json.loads(self._out.read_text())["scenes"]
        return dict(found)

    def end(self) -> None:
        """Whatever the test came to, nothing is left running."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(TIMEOUT_S)


def _look_at(scene: dict[str, Any], svg: Path) -> None:
    """What holds at any speed of the machine."""
    samples, decisions = scene["samples"], scene["decisions"]
    assert samples[-1]["labels"] > samples[0]["labels"]
    assert samples[-1]["champion"] >= 2
    assert any(one["outcome"] == "promoted" and "bootstrap" not in one["trigger"] for one in decisions)
    assert (scene["dead_letters"], scene["failed"]) == ({}, [])
    judged = {bar["name"]: bar["kept"] for bar in scene["bars"]}
    assert [judged.pop("dead letters"), judged.pop("jobs that failed")] == [True, True]
    assert set(judged.values()) == {None}
    first, last = scene["points"][0], scene["points"][-1]
    assert (last["labels"], last["champion"]) == (samples[-1]["labels"], samples[-1]["champion"])
    assert last["accuracy"] > first["accuracy"]
    marked = [one.get("data-version") for one in ET.parse(svg).iter() if one.get("data-version")]
    assert marked == [str(one["version"]) for one in scene["swaps"]]


@pytest.mark.long
def test_a_feed_of_outcomes_promotes_a_better_model(bench: Bench) -> None:
    """To the end of its time; half of the records are labelled, and each label once."""
    assert bench.start("--scene", "feed", "--minutes", "0.7").wait(TIMEOUT_S) == 0, bench.words()
    scene = bench.scene()
    _look_at(scene, bench.svg)
    assert scene["samples"][-1]["at_s"] > 41
    assert scene["samples"][-1]["labels"] <= scene["samples"][-1]["sent"]


@pytest.mark.long
def test_a_reviewer_promotes_a_better_model_and_sigterm_shows_what_there_is(bench: Bench) -> None:
    """The run would take an hour. It ends in order: figures, a picture, and no directory."""
    running = bench.start("--minutes", "60")
    eventually(lambda: bool(BETTER.search(bench.words())) or running.poll() is not None, bench.words, deadline_s=300)
    running.send_signal(signal.SIGTERM)
    assert running.wait(TIMEOUT_S) == 0, bench.words()
    scene = bench.scene()
    assert scene["scene"] == "reviewer"  # the feed, which comes after it, isn't begun
    _look_at(scene, bench.svg)
    assert list((bench.directory / "tmp").iterdir()) == []
