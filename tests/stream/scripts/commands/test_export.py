"""`relearn export`: what is stored comes out whole, once, and in the same order; an export that was stopped goes on."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from relearn.agents.stores import exports
from relearn.agents.stores.postgres import open_pool
from relearn.agents.stores.training.examples import load_examples
from relearn.schemas.settings import Settings
from relearn.scripts.data.datasets import load_dataset
from tests.support.data import registered, retrains
from tests.support.data.reviewed import model_of, predict, records, review
from tests.support.data.rows import query
from tests.support.processes.commands import relearn, relearn_process
from tests.support.processes.workers import environment
from tests.support.servers.namespaces import Namespaces

ALL = ("--to", "2100-01-01")


@pytest.fixture
def filled(migrated: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """60 predictions, 5 statements and 40 examples, read in pages of 7 rows."""
    monkeypatch.setattr(exports, "PAGE_ROWS", 7)
    retrains.load(migrated, 40)
    model = model_of(migrated, registered.register(migrated))
    offsets, answers, _ = predict(migrated, records(60)[0], model)
    review(migrated, offsets[:5], ["yes", "no", None, *answers[3:5]])
    return migrated


def exported(settings: Settings, *argv: str) -> list[dict[str, str]]:
    """The rows of a CSV export, by column."""
    done = relearn(settings, "export", *argv, *ALL)
    assert done.returncode == 0, done.stderr
    return list(csv.DictReader(io.StringIO(done.stdout)))


def test_predictions_come_out_as_they_are_stored(filled: Settings) -> None:
    rows = query(filled, "SELECT * FROM predictions ORDER BY ingested_at, kafka_partition, kafka_offset")
    found = exported(filled, "predictions")
    assert [one["prediction"] for one in found] == [f"{row['kafka_partition']}-{row['kafka_offset']}-0" for row in rows]
    for one, row in zip(found, rows, strict=True):
        assert [float(one[f"x{i + 1}"]) for i in range(4)] == row["features"]
        assert json.loads(one["margins"]) == row["margins"]
        assert (one["label"], one["model"], one["ingested_at"]) == (row["label"], "1", row["ingested_at"].isoformat())


def test_the_three_formats_hold_the_same(filled: Settings, tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    assert relearn(filled, "export", "predictions", "--format", "parquet", "--output", str(path), *ALL).returncode == 0
    table = pyarrow.parquet.read_table(path).to_pylist()
    lines = relearn(filled, "export", "predictions", "--format", "ndjson", *ALL).stdout.splitlines()
    rows = exported(filled, "predictions")
    assert len(table) == len(lines) == len(rows) == 60
    for packed, line, cells in zip(table, lines, rows, strict=True):
        one = json.loads(line)
        features = one.pop("features")
        assert {name: float(cells[name]) for name in features} == features
        assert {name: packed[name] for name in features} == features
        for name, value in one.items():
            found = packed[name].isoformat() if name.endswith("_at") else packed[name]
            assert found == value
            written = "" if value is None else json.dumps(value) if name == "margins" else str(value)
            assert cells[name] == written


def test_corrections_are_all_statements(filled: Settings) -> None:
    """Withdrawals too, which have no label, with the answer that each is about."""
    rows = query(filled, "SELECT * FROM corrections ORDER BY id")
    found = exported(filled, "corrections")
    same = [(one["feedback"], one["label"] or None, one["predicted"], one["via"], one["reviewer"]) for one in found]
    assert same == [tuple(row[name] for name in ("feedback", "label", "predicted", "via", "reviewer")) for row in rows]


def test_of_a_key_with_two_labels_the_latest_is_an_example(filled: Settings) -> None:
    """And none of a load that was withdrawn."""
    retrains.load(filled, 8, noise=True)
    found = exported(filled, "examples")
    assert len(found) == len({one["subject"] for one in found}) == 40
    relearn(filled, "examples", "withdraw", "test")
    assert exported(filled, "examples") == []


def test_only_what_is_between_the_times_comes_out(filled: Settings) -> None:
    (row,) = query(filled, "SELECT ingested_at FROM predictions WHERE kafka_offset = 20")
    at = row["ingested_at"].isoformat()
    before = relearn(filled, "export", "predictions", "--to", at).stdout
    rest = exported(filled, "predictions", "--from", at)
    assert (before.count("\n"), len(rest)) == (1 + 20, 40)


@pytest.mark.parametrize("table", exports.TABLES)
def test_an_export_goes_on_after_the_cursor_that_it_printed(filled: Settings, table: str) -> None:
    """With what was stored since, and without a second header."""
    first = relearn(filled, "export", table, *ALL)
    cursor = first.stderr.rsplit("--after ", 1)[1].strip()
    nothing = relearn(filled, "export", table, *ALL, "--after", cursor)
    assert (nothing.returncode, nothing.stdout) == (0, "")
    retrains.load(filled, 3, prefix="new")
    offsets, _, _ = predict(filled, records(3, seed=9)[0], model_of(filled, 1))
    query(filled, "UPDATE predictions SET ingested_at = ingested_at + '1 h' WHERE kafka_offset = ANY ($1)", offsets)
    review(filled, offsets, ["yes"] * 3)
    more = relearn(filled, "export", table, *ALL, "--after", cursor)
    assert more.stdout.count("\n") == 3
    assert first.stdout + more.stdout == relearn(filled, "export", table, *ALL).stdout


def test_a_file_whose_export_was_stopped_is_continued(filled: Settings, tmp_path: Path, monkeypatch: Any) -> None:
    """Half a page at its end is cut off: every row is there once, in the bytes of an export that ran through."""
    path, whole = tmp_path / "out.csv", relearn(filled, "export", "predictions", *ALL).stdout
    to_file = ("export", "predictions", "--output", str(path), *ALL)
    page = exports.pages

    async def failing(*arguments: Any) -> Any:
        async for number, one in _numbered(page(*arguments)):
            if number == 3:
                raise OSError(28, "No space left on device")
            yield one

    monkeypatch.setattr("relearn.scripts.commands.export.pages", failing)
    failed = relearn(filled, *to_file)
    assert failed.returncode == 2
    assert f"{path}: can't be written: No space left on device" in failed.stderr
    assert "21 rows; --resume continues" in failed.stderr
    assert whole.startswith(path.read_text())
    with path.open("a") as file:
        file.write("0-22-0,half a")
    monkeypatch.setattr("relearn.scripts.commands.export.pages", page)
    done = relearn(filled, *to_file, "--resume")
    assert (done.returncode, path.read_text()) == (0, whole)
    again = relearn(filled, *to_file, "--resume")
    assert (again.returncode, f"{path} is complete" in again.stderr) == (2, True)


async def _numbered(found: Any) -> Any:
    number = 0
    async for one in found:
        yield number, one
        number += 1


def test_ctrl_c_ends_after_a_page_with_a_cursor(filled: Settings, tmp_path: Path) -> None:
    """The reader of the pipe is slow; what it has read then is whole pages."""
    command = [sys.executable, "-m", "relearn.scripts", "export", "predictions", *ALL]
    process = subprocess.Popen(
        command, env=environment(filled), stdout=subprocess.PIPE, stderr=subprocess.PIPE, pipesize=4096, bufsize=0
    )
    query(filled, _MANY)
    assert process.stdout is not None
    begun = process.stdout.read(1000)
    process.send_signal(signal.SIGINT)
    rest, said = process.communicate(timeout=60)
    rows = (begun + rest).decode().splitlines()
    assert process.returncode == 130, said
    assert rows[-1].count(",") == rows[0].count(",")
    count, _, cursor = said.decode().strip().partition(" rows; next: --after ")
    assert int(count.replace(",", "")) == len(rows) - 1
    more = relearn_process(filled, "export", "predictions", *ALL, "--after", cursor).stdout
    whole = relearn_process(filled, "export", "predictions", *ALL).stdout
    assert "\n".join(rows) + "\n" + more == whole


_MANY = """
INSERT INTO predictions (generation, kafka_partition, kafka_offset, record_index, features, label, margins, model,
    activation, ingested_at, scored_at)
SELECT generation, kafka_partition, kafka_offset, 1 + n, features, label, margins, model, activation, ingested_at,
    scored_at
FROM predictions, generate_series(1, 1000) AS n
"""


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_exported_examples_make_the_same_model(
    filled: Settings, namespaces: Namespaces, tmp_path: Path, form: str
) -> None:
    """Digest and weights, in a namespace that knows nothing else."""
    path = tmp_path / f"examples.{form}"
    done = relearn(filled, "export", "examples", "--format", form, "--output", str(path), *ALL)
    assert done.returncode == 0, done.stderr
    other, dataset = namespaces.fresh(tmp_path), load_dataset(str(path), label="label")

    async def load() -> int:
        pool = await open_pool(other, size=1)
        try:
            columns = {"schema": dataset.schema, "features": dataset.features, "strings": dataset.strings}
            labelled = {"labels": dataset.labels or (), "subjects": dataset.subjects}
            return await load_examples(pool, **columns, **labelled, source="again")
        finally:
            pool.terminate()

    assert asyncio.run(load()) == 40
    registered.register(other)
    digests = [query(settings, "SELECT set_digest FROM models WHERE version = 1")[0][0] for settings in (filled, other)]
    assert digests[0] == digests[1]
    first, second = model_of(filled, 1), model_of(other, 1)
    assert (first.weights.tobytes(), first.bias.tobytes()) == (second.weights.tobytes(), second.bias.tobytes())


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("--format", "parquet"), "give --output FILE"),
        (("--resume",), "--resume needs --output FILE"),
        (("--after", "x"), "'x' is no cursor of an export of predictions"),
        (("--after", "examples:7"), "'examples:7' is no cursor of an export of predictions"),
        (("--after", "predictions:1:0-0"), "is no cursor"),
        (("--after", f"predictions:{'9' * 30}:0-0-0"), "is no cursor"),
        (("--from", "2100-01-01"), "isn't before"),
        (("--from", "yesterday"), "is no time"),
        (("--output", "/"), "/: can't be written: Is a directory"),
        (("--output", "/dev/full"), "/dev/full: can't be written: No space left on device"),
        (("--output", "/nowhere/x"), "/nowhere/x: can't be written: No such file or directory"),
    ],
)
def test_what_cannot_be_is_one_line(filled: Settings, argv: tuple[str, ...], said: str) -> None:
    done = relearn(filled, "export", "predictions", *argv)
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr
    assert "Traceback" not in done.stderr


def test_a_full_disk_and_a_closed_pipe_end_it_without_a_traceback(filled: Settings) -> None:
    command = f"{shlex.quote(sys.executable)} -m relearn.scripts export predictions --to 2100-01-01"
    ends = {}
    for name, redirected in (("full", "> /dev/full"), ("closed", "| head -1")):
        shell = f"set -o pipefail; {command} {redirected}"
        done = subprocess.run(
            ["bash", "-c", shell], env=environment(filled), capture_output=True, text=True, check=False
        )
        assert "Traceback" not in done.stderr
        ends[name] = done
    assert ends["full"].returncode == 2
    assert "stdout: can't be written: No space left on device" in ends["full"].stderr
    assert ends["closed"].stdout.startswith("prediction,id,subject,")


def test_a_namespace_without_records_has_nothing_to_export(migrated: Settings) -> None:
    done = relearn(migrated, "export", "examples")
    assert (done.returncode, "no examples were loaded yet" in done.stderr) == (2, True)


def test_without_pyarrow_the_command_that_installs_it_is_said(
    filled: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    done = relearn(filled, "export", "examples", "--format", "parquet", "--output", str(tmp_path / "x"))
    assert (done.returncode, "pip install 'relearn[parquet]'" in done.stderr) == (2, True)
