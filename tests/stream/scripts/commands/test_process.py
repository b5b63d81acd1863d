"""The verbs that the README's tour doesn't run, as processes of their own; the tour runs the others (test_tour)."""

from __future__ import annotations

import json
import signal
from pathlib import Path

from relearn.schemas.settings import Settings
from tests.support.processes.commands import relearn_process
from tests.support.processes.forked import ForkedCommand
from tests.support.processes.workers import environment
from tests.support.waiting import eventually


def test_migrate_and_key_run_as_processes(settings: Settings) -> None:
    """Data goes to stdout, words to stderr; the namespace and the servers come from the environment."""
    made = relearn_process(settings, "migrate")
    assert (made.returncode, made.stdout) == (0, ""), made.stderr
    assert f"topic {settings.namespace}.ingest" in made.stderr.splitlines()
    listed = relearn_process(settings, "key", "list", "--json")
    assert (listed.returncode, json.loads(listed.stdout)) == (0, []), listed.stderr


def test_an_error_of_ours_is_one_line_and_code_2_of_the_process(settings: Settings) -> None:
    done = relearn_process(settings, "model", "list", POSTGRES_DSN="postgresql://x@127.0.0.1:1/x")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("relearn: Postgres")


def test_ctrl_c_ends_the_wait_for_a_job_and_not_the_job(migrated: Settings, tmp_path: Path) -> None:
    """Without a retrain worker the command stays `sent`."""
    log = tmp_path / "hold.log"
    command = ForkedCommand(("model", "hold"), environment(migrated), log)
    eventually(lambda: "sent\n" in log.read_text(), log.read_text)
    command.send_signal(signal.SIGINT)
    assert command.wait(60) == 130
    assert list(filter(None, log.read_text().splitlines())) == [
        "sent",
        "a command that was sent already goes on: `relearn job list` shows its job",
        "stopped",
    ]
