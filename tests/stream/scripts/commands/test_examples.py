"""`relearn examples`: what was loaded is listed and withdrawn."""

from __future__ import annotations

import json

from relearn.schemas.settings import Settings
from tests.support.data import retrains
from tests.support.processes.commands import relearn


def test_a_load_is_listed_and_withdrawn_once(migrated: Settings) -> None:
    nothing = relearn(migrated, "examples", "list")
    assert (nothing.returncode, nothing.stdout) == (0, "")
    retrains.load(migrated, 40)
    (load,) = json.loads(relearn(migrated, "examples", "list", "--json").stdout)
    assert (load["id"], load["rows"], load["added"], load["counting"], load["withdrawn_at"]) == (1, 40, 40, 40, None)
    assert load["source"] in relearn(migrated, "examples", "list").stdout
    done = relearn(migrated, "examples", "withdraw", load["source"])
    assert (done.returncode, done.stderr) == (0, "load 1: 40 examples are withdrawn, 0 are left\n")
    again = relearn(migrated, "examples", "withdraw", "1")
    assert again.returncode == 2
    assert "no load '1' that isn't withdrawn" in again.stderr
    (load,) = json.loads(relearn(migrated, "examples", "list", "--json").stdout)
    assert (load["counting"], load["withdrawn_at"] is None, load["withdrawn_by"] is None) == (0, False, False)
