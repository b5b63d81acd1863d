"""`relearn key`: made, listed and revoked, as an administrator does it."""

from __future__ import annotations

import json
from pathlib import Path

from relearn.schemas.api_keys import read_key
from relearn.schemas.settings import Settings
from tests.support.processes.commands import relearn


def test_a_key_is_told_once_listed_without_its_text_and_ended_by_its_name(migrated: Settings) -> None:
    """The text on stdout and nothing else there; one name has one live key."""
    made = relearn(migrated, "key", "create", "--role", "review", "--name", "Ann [b]")
    assert made.returncode == 0, made.stderr
    text = made.stdout.strip()
    proof = read_key(text)
    assert proof is not None
    assert text not in made.stderr
    again = relearn(migrated, "key", "create", "--role", "read", "--name", "Ann [b]")
    assert (again.returncode, again.stdout) == (2, "")
    assert "there is a key named 'Ann [b]' already" in again.stderr
    (listed,) = json.loads(relearn(migrated, "key", "list", "--json").stdout)
    assert (listed["id"], listed["name"], listed["role"]) == (proof.id, "Ann [b]", "review")
    assert listed["revoked_at"] is None
    assert "hash" not in listed
    assert relearn(migrated, "key", "revoke", "Ann [b]").returncode == 0
    assert relearn(migrated, "key", "revoke", proof.id).returncode == 2
    shown = relearn(migrated, "key", "list").stdout
    assert "Ann [b]" in shown
    assert text.split("_", 2)[2] not in shown
    assert relearn(migrated, "key", "create", "--role", "read", "--name", "Ann [b]").returncode == 0


def test_a_key_in_a_file_is_made_once(migrated: Settings, tmp_path: Path) -> None:
    """Readable by its owner only; made again if it was revoked, and nothing is lost if it can't be written."""
    path = tmp_path / "admin.key"
    create = ("key", "create", "--role", "admin", "--name", "compose", "--file", str(path))
    made = relearn(migrated, *create)
    assert (made.returncode, made.stdout) == (0, ""), made.stderr
    assert path.stat().st_mode & 0o777 == 0o600
    first = path.read_text()
    assert read_key(first.strip()) is not None
    assert first.strip() not in made.stderr
    assert relearn(migrated, *create).returncode == 0
    assert path.read_text() == first
    assert relearn(migrated, "key", "revoke", "compose").returncode == 0
    assert relearn(migrated, *create).returncode == 0
    assert path.read_text() != first
    nowhere = relearn(migrated, *create[:-3], "another", "--file", str(tmp_path / "nowhere" / "key"))
    assert nowhere.returncode == 2
    assert "can't be written" in nowhere.stderr
    other = tmp_path / "other"
    other.write_text("precious\n")
    assert relearn(migrated, *create[:-3], "another", "--file", str(other)).returncode == 2
    assert other.read_text() == "precious\n"
    assert [one["name"] for one in json.loads(relearn(migrated, "key", "list", "--json").stdout)] == ["compose"] * 2
