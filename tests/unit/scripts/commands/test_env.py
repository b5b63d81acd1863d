"""`relearn env`: what a shell needs to reach the servers of `relearn up`."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from relearn.schemas.errors import Refused
from relearn.scripts.client.environment import write_servers
from relearn.scripts.commands.env import env
from relearn.scripts.embedded.servers.local import SETTING, Ports
from relearn.scripts.embedded.servers.secrets import Secrets

PORTS = Ports(kafka=19095, controller=19096, postgres=15433, valkey=16380)


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With a space and an apostrophe in its path."""
    found = tmp_path / "a person's data"
    found.mkdir()
    monkeypatch.setenv("RELEARN_DATA_DIR", str(found))
    return found


def test_a_shell_gets_addresses_with_passwords_but_not_the_owners(data_dir: Path) -> None:
    """As a shell reads the lines, whatever the path."""
    write_servers(data_dir, PORTS.settings(SETTING, Secrets("o", "a", "v")))
    lines = CliRunner().invoke(env).output
    script = f'{lines}\necho "$RELEARN_DATA_DIR|$RELEARN_POSTGRES_DSN|$RELEARN_REDIS_URL|$RELEARN_POSTGRES_OWNER_DSN"'
    told = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True).stdout.strip()
    addresses = "postgresql://relearn_app:a@127.0.0.1:15433/postgres|redis://:v@127.0.0.1:16380/0|"
    assert told == f"{data_dir}|{addresses}"
    assert "relearn_owner:o@" in CliRunner().invoke(env, ["--owner"]).output


def test_without_servers_there_is_nothing_to_print(data_dir: Path) -> None:
    """The message names the directory."""
    found = CliRunner().invoke(env)
    assert isinstance(found.exception, Refused)
    assert str(data_dir) in str(found.exception)
