"""`relearn reviewer`: a sender is trusted and distrusted, and listed with its mark."""

from __future__ import annotations

import json

from relearn.schemas.api_keys import read_key
from relearn.schemas.settings import Settings
from tests.support.processes.commands import relearn


def test_without_keys_a_name_is_trusted_once_and_distrusted_once(migrated: Settings) -> None:
    nothing = relearn(migrated, "reviewer", "list")
    assert (nothing.returncode, nothing.stdout, nothing.stderr) == (0, "", "there are no reviewers yet\n")
    done = relearn(migrated, "reviewer", "trust", "feed [b]")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "reviewer 'feed [b]' without a key is trusted\n")
    again = relearn(migrated, "reviewer", "trust", "feed [b]")
    assert (again.returncode, "is trusted already, since" in again.stderr) == (0, True)
    (row,) = json.loads(relearn(migrated, "reviewer", "list", "--json").stdout)
    assert (row["reviewer"], row["corrections"], row["last_at"]) == ("feed [b]", 0, None)
    (trusted,) = row["trusted"]
    assert (trusted["key"], trusted["at"] is None, trusted["by"] is None) == (None, False, False)
    shown = relearn(migrated, "reviewer", "list").stdout
    assert "feed [b]" in shown
    assert "without key" in shown
    ended = relearn(migrated, "reviewer", "distrust", "feed [b]")
    assert (ended.returncode, ended.stderr) == (0, "reviewer 'feed [b]' without a key is no longer trusted\n")
    again = relearn(migrated, "reviewer", "distrust", "feed [b]", "--json")
    assert (again.returncode, json.loads(again.stdout)) == (0, [])
    unknown = relearn(migrated, "reviewer", "distrust", "fede")
    assert (unknown.returncode, unknown.stderr.count("\n")) == (2, 1)
    assert "there is no reviewer 'fede'" in unknown.stderr


def test_with_keys_a_name_is_a_key(migrated: Settings) -> None:
    """A name that no key has is refused, or is that of feedback without a key if this is asked for."""
    made = relearn(migrated, "key", "create", "--role", "review", "--name", "feed")
    proof = read_key(made.stdout.strip())
    assert proof is not None
    trusted = json.loads(relearn(migrated, "reviewer", "trust", proof.id, "--json").stdout)
    assert (trusted["reviewer"], trusted["key"], trusted["new"]) == ("feed", proof.id, True)
    typo = relearn(migrated, "reviewer", "trust", "fede")
    assert (typo.returncode, typo.stderr.count("\n")) == (2, 1)
    assert "no live API key is named 'fede'" in typo.stderr
    assert relearn(migrated, "reviewer", "trust", "feed", "--without-key").returncode == 0
    ended = relearn(migrated, "reviewer", "distrust", "feed")
    assert ended.stderr.splitlines() == [
        f"key 'feed' (id {proof.id}) is no longer trusted",
        "reviewer 'feed' without a key is no longer trusted",
    ]


def test_a_name_that_no_reviewer_can_have_is_refused(migrated: Settings) -> None:
    for name in ("", "x" * 257):
        for verb in ("trust", "distrust"):
            refused = relearn(migrated, "reviewer", verb, name)
            assert (refused.returncode, refused.stderr.count("\n")) == (2, 1), refused.stderr
