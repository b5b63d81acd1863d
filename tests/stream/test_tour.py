"""The README's tour, line by line, as a reader would type it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from relearn.schemas.settings import PREFIX
from tests.support.paths import ROOT
from tests.support.processes.commands import relearn_in
from tests.support.waiting import eventually

UP = "relearn up"


def tour() -> list[str]:
    """The commands of the tour, in order."""
    text = (ROOT / "README.md").read_text().split("## A tour")[1].split("\n## ")[0]
    blocks = re.findall(r"```console\n(.*?)```", text, re.DOTALL)
    return [line.removeprefix("$ ") for block in blocks for line in block.splitlines()]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return {**plain, PREFIX + "DATA_DIR": str(tmp_path / "data"), "MAKEFLAGS": ""}


@pytest.fixture
def everything_up(environment: dict[str, str], tmp_path: Path) -> Iterator[Path]:
    """`relearn up`, as in the first terminal; where its words go."""
    log_path = tmp_path / "up.log"
    before = " && ".join(tour()[: tour().index(UP)])
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            ["bash", "-c", f"{before} && exec {UP}"], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
    try:
        eventually(lambda: (tmp_path / "data" / "servers.json").exists() or process.poll() is not None, "no servers")
        yield log_path
    finally:
        process.terminate()
        assert process.wait(60) == 0


def _type(line: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Where the API's port was taken, `up` chose another, and a reader would type that."""
    servers = json.loads((Path(environment[PREFIX + "DATA_DIR"]) / "servers.json").read_text())
    line = line.replace("localhost:8080", f"localhost:{servers.get(PREFIX + 'API_PORT', 8080)}")
    exports = " && ".join(command for command in tour() if command.startswith("export "))
    return subprocess.run(
        ["bash", "-c", f"{exports} && {line}"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def _ask(environment: dict[str, str], line: str) -> str:
    """What a command prints, run in this process: the waits below repeat it, beside the system that they wait for."""
    return relearn_in(environment, *line.split()[1:]).stdout


def _champions(environment: dict[str, str]) -> list[int]:
    """The versions that `relearn model list` calls the champion."""
    models = json.loads(_ask(environment, "relearn model list --json"))
    return [one["version"] for one in models if one["state"] == "champion"]


def test_every_line_of_the_tour_does_what_it_says(everything_up: Path, environment: dict[str, str]) -> None:
    eventually(lambda: "score-1" in everything_up.read_text(), everything_up.read_text)
    said = {}
    for line in tour()[tour().index(UP) + 1 :]:
        ended = _type(line, environment)
        assert ended.returncode == 0, f"$ {line}\n{ended.stdout}{ended.stderr}\n{everything_up.read_text()}"
        if line.startswith("relearn review"):
            eventually(lambda: _champions(environment) == [2], lambda: _ask(environment, "relearn job list"))
        said[line] = ended.stdout + ended.stderr
    assert "60 answers" in next(told for line, told in said.items() if line.startswith("relearn review"))
    assert said["relearn job list"].count("promoted") == 2
    replay = "relearn replay --from 1h --model 1"
    assert replay in said
    eventually(lambda: re.search(r"changed +[1-9]", _ask(environment, replay)) is not None, said[replay])
    assert _champions(environment) == [1]
    eventually(lambda: "dimension" in _ask(environment, "relearn dlq list"), "the records of the tour's CSV never came")
    assert '"workers"' in said["relearn status --json"]
    stats, newest, retraining = (json.loads(told) for line, told in said.items() if line.startswith("curl"))
    assert stats["champion"]["version"] == 1
    assert newest["items"][0]["model"] in {1, 2}
    assert "hold" in retraining["words"] or retraining["triggers"]
