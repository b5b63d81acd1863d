"""What `relearn up` leaves for commands in other terminals."""

import os
from pathlib import Path

import pytest

from relearn.schemas.errors import SettingsError
from relearn.scripts.client.environment import load_settings, read_servers, write_servers
from relearn.scripts.client.private_files import write_private
from relearn.scripts.embedded.servers.local import Ports
from relearn.scripts.embedded.servers.secrets import Secrets

PORTS = Ports(kafka=19095, controller=19096, postgres=15433, valkey=16380)
SECRETS = Secrets("o", "a", "v")


def test_commands_find_the_ports_that_up_chose(tmp_path: Path) -> None:
    """Written by `up`, read by any command in the same data directory."""
    write_servers(tmp_path, PORTS.settings(["kafka", "postgres", "valkey"], SECRETS))
    settings = load_settings({"RELEARN_DATA_DIR": str(tmp_path)})
    assert settings.kafka_brokers == ("127.0.0.1:19095",)
    assert settings.postgres_dsn == "postgresql://relearn_app:a@127.0.0.1:15433/postgres"
    assert settings.migration_dsn == "postgresql://relearn_owner:o@127.0.0.1:15433/postgres"
    assert settings.redis_url == "redis://:v@127.0.0.1:16380/0"


def test_what_the_environment_says_comes_first(tmp_path: Path) -> None:
    """A person's own setting outranks the file."""
    write_servers(tmp_path, PORTS.settings(["kafka"], SECRETS))
    settings = load_settings({"RELEARN_DATA_DIR": str(tmp_path), "RELEARN_KAFKA_BROKERS": "broker:9092"})
    assert settings.kafka_brokers == ("broker:9092",)


def test_the_owner_is_known_where_the_environment_repeats_the_file(tmp_path: Path) -> None:
    """After `eval "$(relearn env)"`, `relearn migrate` still works."""
    write_servers(tmp_path, PORTS.settings(["kafka", "postgres", "valkey"], SECRETS))
    printed = {name: value for name, value in read_servers(tmp_path).items() if "OWNER" not in name}
    settings = load_settings({"RELEARN_DATA_DIR": str(tmp_path), **printed})
    assert settings.migration_dsn == "postgresql://relearn_owner:o@127.0.0.1:15433/postgres"


def test_the_owner_of_another_server_is_not_used(tmp_path: Path) -> None:
    """A setting for Postgres leads to another server than the file; migrations must not go to the file's."""
    write_servers(tmp_path, PORTS.settings(["postgres"], SECRETS))
    settings = load_settings({"RELEARN_DATA_DIR": str(tmp_path), "RELEARN_POSTGRES_DSN": "postgresql://me@db/x"})
    assert settings.migration_dsn == settings.postgres_dsn == "postgresql://me@db/x"


def test_a_file_that_others_may_change_is_not_read(tmp_path: Path) -> None:
    """It could lead to a server of another user."""
    write_servers(tmp_path, PORTS.settings(["kafka"], SECRETS))
    (tmp_path / "servers.json").chmod(0o666)
    with pytest.raises(SettingsError, match=r"servers\.json isn't read, because other users may change it"):
        load_settings({"RELEARN_DATA_DIR": str(tmp_path)})


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to another user")
def test_a_file_of_another_user_is_not_read(tmp_path: Path) -> None:
    """As in a directory that many users share."""
    write_servers(tmp_path, PORTS.settings(["kafka"], SECRETS))
    os.chown(tmp_path / "servers.json", 54_321, 54_321)
    with pytest.raises(SettingsError, match=r"belongs to another user \(uid 54321\)"):
        load_settings({"RELEARN_DATA_DIR": str(tmp_path)})


def test_a_directory_where_nothing_ever_ran_says_nothing(tmp_path: Path) -> None:
    """The defaults stand."""
    assert read_servers(tmp_path) == {}


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    """The message names the file and the remedy."""
    (tmp_path / "servers.json").write_text("{")
    with pytest.raises(SettingsError, match=r"servers\.json.*relearn up"):
        read_servers(tmp_path)


@pytest.mark.parametrize("content", ["", "5", "[1]", "null", '"text"', "{", "\0"])
def test_a_damaged_file_is_one_line(tmp_path: Path, content: str) -> None:
    write_private(tmp_path / "servers.json", content)
    with pytest.raises(SettingsError, match="delete it"):
        read_servers(tmp_path)
