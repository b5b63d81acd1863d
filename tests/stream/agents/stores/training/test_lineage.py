"""From a model back to the exact examples that it was trained on: the export makes the same model again."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from relearn.agents.learning.fit import fit
from relearn.agents.learning.training_set import Example, TrainingSet, set_digest, training_set
from relearn.agents.models.signing_keys import load_signer
from relearn.agents.stores.training.examples_writer import OURS
from relearn.schemas.features import numbers_alone
from relearn.schemas.model.linear_svm import encode_model
from relearn.schemas.settings import Settings
from tests.support.data import retrains, reviewed
from tests.support.data.registered import register
from tests.support.data.rows import query, value
from tests.support.paths import ROOT
from tests.support.processes.commands import relearn
from tests.support.processes.workers import environment

NAMES = ("x1", "x2", "x3", "x4")


@pytest.fixture
def settings(migrated: Settings) -> Settings:
    """A champion of 14 examples, and model 2, which learned from 12 corrections and from unreviewed records."""
    retrains.load(migrated, 14)
    assert register(migrated) == 1
    features, truth = reviewed.records(120)
    offsets, answers, _ = reviewed.predict(migrated, features, reviewed.model_of(migrated, 1))
    wrong = [i for i in range(120) if answers[i] != truth[i]][:12]
    reviewed.review(migrated, [offsets[i] for i in wrong], [truth[i] for i in wrong], via="volunteer", by='ann,"a"')
    assert register(migrated) == 2
    return migrated


def exported(settings: Settings, version: int, *argv: str) -> list[dict[str, Any]]:
    """The rows of a CSV export."""
    done = relearn(settings, "model", "examples", str(version), *argv)
    assert done.returncode == 0, done.stderr
    return list(csv.DictReader(done.stdout.splitlines()))


def as_set(rows: list[dict[str, Any]]) -> TrainingSet:
    """The training set that exported rows say."""
    examples = []
    for row in rows:
        features = [float(row[name]) for name in NAMES]
        own_id = row["id"] if row["source"] == "assumed" else int(row["id"])
        examples.append(Example(own_id, row["key"], features, row["label"], row["source"], float(row["weight"])))
    return training_set(numbers_alone(NAMES), examples)


def test_what_is_exported_makes_the_same_model_again(settings: Settings) -> None:
    """To the last bit: the same digest of the set, the same bytes of the model."""
    for version, sources in ((1, {"bootstrap"}), (2, {"bootstrap", "reviewed", "assumed"})):
        rows = exported(settings, version)
        assert {row["source"] for row in rows} == sources
        examples = as_set(rows)
        assert list(examples.keys) == [row["key"] for row in rows], "the order of training"
        (model,) = query(settings, "SELECT body, set_digest FROM models WHERE version = $1", version)
        assert set_digest(examples) == model["set_digest"]
        assert encode_model(fit(examples).as_model(version, NAMES)) == model["body"]


def test_every_example_names_where_it_comes_from(settings: Settings) -> None:
    rows = exported(settings, 2)
    assert list(rows[0]) == [*OURS, *NAMES]
    by_source = {name: [row for row in rows if row["source"] == name] for name in ("bootstrap", "reviewed", "assumed")}
    (model,) = query(settings, "SELECT example_ids, correction_ids FROM models WHERE version = 2")
    assert sorted(int(row["id"]) for row in by_source["bootstrap"]) == sorted(model["example_ids"])
    assert sorted(int(row["id"]) for row in by_source["reviewed"]) == sorted(model["correction_ids"])
    for row in by_source["reviewed"]:
        (said,) = query(settings, "SELECT * FROM corrections WHERE id = $1", int(row["id"]))
        assert row["feedback"] == said["feedback"]
        assert row["prediction"] == f"0-{said['kafka_offset']}-0"
        assert (row["reviewer"], row["via"], row["label"]) == ('ann,"a"', "volunteer", said["label"])
        assert [float(row[name]) for name in NAMES] == said["features"]
    assumed = {row["prediction"] for row in query(settings, "SELECT prediction FROM assumed WHERE version = 2")}
    assert {row["id"] for row in by_source["assumed"]} == {row["prediction"] for row in by_source["assumed"]} == assumed
    assert {row["weight"] for row in by_source["assumed"]} == {"0.2"}
    assert len(by_source["assumed"]) == 60


def test_both_forms_say_the_same_on_stdout_and_in_a_file(settings: Settings, tmp_path: Path) -> None:
    out = tmp_path / "examples.ndjson"
    done = relearn(settings, "model", "examples", "2", "--format", "ndjson", "--out", str(out))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "86 examples\n")
    found = [json.loads(line) for line in out.read_text().splitlines()]
    flat = [{**one, **one["features"]} for one in found]
    rows = exported(settings, 2)
    assert [{name: "" if one[name] is None else str(one[name]) for name in rows[0]} for one in flat] == rows
    assert [path.name for path in tmp_path.glob("examples*")] == ["examples.ndjson"]


def test_a_model_shows_all_that_stands_behind_it(settings: Settings) -> None:
    found = json.loads(relearn(settings, "model", "show", "2", "--json").stdout)
    body = value(settings, "SELECT body FROM models WHERE version = 2")
    assert found["sha256"] == hashlib.sha256(body).hexdigest()
    assert found["key_id"] == load_signer(settings).key_id
    assert (found["state"], found["examples"], found["assumed"], found["cut"]) == ("champion", 26, 60, 12)
    assert found["sources"] == {"bootstrap": 14, "reviewed": 12, "assumed": 60}
    assert {label: sum(counts.values()) for label, counts in found["classes"].items()} == {
        label: sum(row["label"] == label for row in exported(settings, 2)) for label in ("no", "yes")
    }
    assert found["made_by"]["reason"] == {"trigger": "count", "corrections": 20}
    assert found["made_by"]["metrics"]["trained_on"]["corrections"] == 12
    (activation,) = found["activations"]
    assert (activation["activation"], activation["role"], activation["by"]) == (2, "champion", "tests")
    assert activation["published_at"] is None

    text = relearn(settings, "model", "show", "2").stdout
    assert text.startswith("model 2: champion\n")
    for part in (
        "trigger count, corrections 20, by tests",
        "14 bootstrap, 12 reviewed, 60 assumed; cut at correction 12",
        f"SHA-256       {found['sha256']}",
        f"signed by     {found['key_id']}",
        "champion from ",
        "not published yet, by its own job",
    ):
        assert part in text, text
    first = json.loads(relearn(settings, "model", "show", "1", "--json").stdout)
    assert (first["state"], first["sources"]["reviewed"], len(first["activations"])) == ("former", 0, 1)


def test_a_model_that_was_never_live_has_no_signature(settings: Settings) -> None:
    assert register(settings, "rejected") == 3
    found = json.loads(relearn(settings, "model", "show", "3", "--json").stdout)
    assert (found["state"], found["key_id"], found["activations"]) == ("rejected", None, [])
    assert "signed by" not in relearn(settings, "model", "show", "3").stdout


def test_what_is_not_there_or_can_not_be_written_is_one_line(settings: Settings, tmp_path: Path) -> None:
    out = tmp_path / "none.csv"
    for argv, why in (
        (["examples", "9", "--out", str(out)], "there is no model 9"),
        (["show", "9"], "there is no model 9"),
        (["examples", "1", "--out", str(tmp_path / "nowhere" / "x.csv")], "can't be written"),
    ):
        done = relearn(settings, "model", *argv)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert why in done.stderr
    assert list(tmp_path.glob("none*")) == []


def test_whoever_stops_reading_ends_it_without_a_word(settings: Settings) -> None:
    """As `head` does."""
    with subprocess.Popen(
        [sys.executable, "-m", "relearn.scripts", "model", "examples", "2"],
        cwd=ROOT,
        env=environment(settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.wait(60) == 0
        assert process.stderr.read() == b""
