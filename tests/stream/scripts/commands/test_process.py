"""The verbs that the README's tour doesn't run, as processes of their own; the tour runs the others (test_tour)."""

from __future__ import annotations

import json

from relearn.schemas.settings import Settings
from tests.support.processes.commands import relearn_process


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
