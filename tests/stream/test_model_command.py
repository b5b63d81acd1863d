"""`relearn model` and `relearn job`, as a person runs them, with a retrain and a score worker."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from schemas.settings import Settings
from scripts.embedded.keys import ensure_pair
from tests.commands import relearn
from tests.workers import workers


def test_train_look_and_activate(migrated: Settings, tmp_path: Path) -> None:
    ensure_pair(migrated.keys_dir)
    with workers(migrated, retrain=1, score=1):
        trained = relearn(migrated, "model", "train", "--data", "wine", "--rows", "60", "--json")
        assert trained.returncode == 0, trained.stderr
        outcome = json.loads(trained.stdout)
        assert (outcome["job"]["state"], outcome["model"]["version"], outcome["model"]["examples"]) == (
            "promoted",
            1,
            60,
        )
        assert outcome["job"]["reason"]["trigger"] == "bootstrap"
        assert [(one["id"], one["activation"]) for one in outcome["workers"]] == [("score-1", 1)]

        again = relearn(migrated, "model", "train", "--data", "wine", "--rows", "60")
        assert again.returncode == 1
        assert "these very examples" in again.stdout
        more = relearn(migrated, "model", "train", "--data", "wine")
        assert more.returncode == 0, more.stderr
        assert "model 2: champion" in more.stdout
        assert "served by     score-1" in more.stdout

        back = relearn(migrated, "model", "activate", "1")
        assert back.returncode == 0, back.stderr
        assert relearn(migrated, "model", "activate", "9").returncode == 1
        listed = json.loads(relearn(migrated, "model", "list", "--json").stdout)
        assert [(one["version"], one["state"], one["activation"]) for one in listed] == [
            (2, "former", 2),
            (1, "champion", 3),
        ]
        assert "model 1: champion" in relearn(migrated, "model", "show", "1").stdout
        assert json.loads(relearn(migrated, "model", "show", "2", "--json").stdout)["metrics"]["examples"] == 178
        jobs = json.loads(relearn(migrated, "job", "list", "--json").stdout)
        assert [one["state"] for one in jobs] == ["skipped", "promoted", "promoted", "skipped", "promoted"]
        assert jobs[0]["id"] in relearn(migrated, "job", "show", jobs[0]["id"]).stdout
        assert relearn(migrated, "job", "list").stdout.count("\n") >= 6

    other = relearn(migrated, "model", "train", "--data", "digits")
    assert other.returncode == 2
    assert "another namespace" in other.stderr


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        (["--data", "nowhere.csv"], "no such file"),
        (["--data", "digits", "--rows", "5000"], "1797 records"),
        (["--data", "{one}", "--label", "y"], "one class"),
        (["--data", "{one}", "--label", "z"], "'z'"),
        (["--data", "{one}"], "--label"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(settings: Settings, tmp_path: Path, argv: list[str], why: str) -> None:
    one = tmp_path / "one.csv"
    one.write_text("x,y\n1,a\n2,a\n")
    found = relearn(settings, "model", "train", *(part.format(one=one) for part in argv))
    assert found.returncode == 2, found.stdout
    assert why in found.stderr
    assert len(found.stderr.strip().splitlines()) == 1


def test_nobody_at_work_and_nothing_there_is_said(migrated: Settings) -> None:
    waiting = relearn(migrated, "model", "train", "--data", "wine", "--timeout", "1")
    assert waiting.returncode == 1
    assert "is a retrain worker up?" in waiting.stderr
    assert relearn(migrated, "model", "list").returncode == 0
    for argv in (["model", "show", "3"], ["job", "show", "nothing"]):
        assert relearn(migrated, *argv).returncode == 2
