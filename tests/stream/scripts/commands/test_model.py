"""`relearn model` and `relearn job`, as a person runs them, with a retrain and a score worker."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from relearn.schemas.settings import Settings
from relearn.scripts.embedded.keys import ensure_pair
from tests.support.processes.commands import relearn
from tests.support.processes.workers import workers
from tests.support.waiting import eventually

RESUME = "automatic promotion is on hold; `relearn model resume` ends the hold"


def test_train_look_and_choose(migrated: Settings) -> None:
    ensure_pair(migrated.keys_dir)
    with workers(migrated, retrain=1, score=1):
        eventually(lambda: "score-1" in relearn(migrated, "status").stdout, "the worker has no heartbeat")
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
        _a_shadow_is_not_waited_for(migrated)

        chosen = relearn(migrated, "model", "activate", "2")
        assert chosen.returncode == 0, chosen.stderr
        assert "model 2: champion" in chosen.stdout
        assert "served by     score-1" in chosen.stdout
        assert chosen.stderr.splitlines()[-1] == RESUME
        assert relearn(migrated, "model", "activate", "9").returncode == 1
        back = relearn(migrated, "model", "rollback")
        assert back.returncode == 0, back.stderr
        assert "model 1: champion" in back.stdout
        assert back.stderr.splitlines()[-1] == RESUME
        refused = relearn(migrated, "model", "rollback")
        assert (refused.returncode, RESUME in refused.stderr) == (1, False)
        assert "no former champion" in refused.stdout

        listed = json.loads(relearn(migrated, "model", "list", "--json").stdout)
        assert [(one["version"], one["state"]) for one in listed] == [(2, "rolled-back"), (1, "champion")]
        assert listed[1]["activation"] > listed[0]["activation"] > 1
        assert json.loads(relearn(migrated, "model", "show", "2", "--json").stdout)["metrics"]["examples"] == 178
        jobs = json.loads(relearn(migrated, "job", "list", "--json").stdout)
        commands = ["rollback", "rollback", "activate", "activate", "train", "train", "train"]
        assert [one["command"] for one in jobs] == commands
        assert jobs[0]["id"] in relearn(migrated, "job", "show", jobs[0]["id"]).stdout
        assert relearn(migrated, "job", "list").stdout.count("\n") >= 7

    other = relearn(migrated, "model", "train", "--data", "digits")
    assert other.returncode == 2
    assert "another namespace" in other.stderr


def _a_shadow_is_not_waited_for(settings: Settings) -> None:
    """More of the same data: not known to be better. The words say what goes on; the job shows the gate's figures."""
    more = relearn(settings, "model", "train", "--data", "wine")
    assert more.returncode == 1
    job_id = more.stdout.split()[1].rstrip(":")
    assert f"job {job_id}: shadow" in more.stdout
    assert "model 2: shadow" in more.stdout
    assert "until reviews decide" in more.stderr
    assert f"`relearn job show {job_id}`" in more.stderr
    shown = relearn(settings, "job", "show", job_id).stdout
    for part in (
        "out of fold",
        "trained on    178 bootstrap, 0 reviewed",
        "gate          shadow: ",
        "evidence    fixes ",
    ):
        assert part in shown, shown
    gate = json.loads(relearn(settings, "job", "show", job_id, "--json").stdout)["metrics"]["gate"]
    assert (gate["outcome"], gate["path"]) == ("shadow", "shadow")


def test_hold_and_resume_take_effect_once(migrated: Settings) -> None:
    """What changes nothing is refused, with the reason."""
    ensure_pair(migrated.keys_dir)
    with workers(migrated, retrain=1):
        nothing = relearn(migrated, "model", "resume")
        assert nothing.returncode == 1
        assert "nothing is on hold" in nothing.stdout
        held = relearn(migrated, "model", "hold")
        assert held.returncode == 0, held.stderr
        assert held.stdout.endswith(": took effect\n")
        assert held.stderr.splitlines()[-1] == RESUME
        twice = relearn(migrated, "model", "hold", "--json")
        assert twice.returncode == 1
        refused = json.loads(twice.stdout)
        assert (refused["job"]["state"], refused["model"], refused["workers"]) == ("skipped", None, None)
        assert "on hold already: " in refused["job"]["error"]
        lifted = relearn(migrated, "model", "resume", "--json")
        assert lifted.returncode == 0
        assert json.loads(lifted.stdout)["job"]["state"] == "promoted"
        assert "took effect" in relearn(migrated, "job", "list").stdout


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
