"""What `relearn up` leaves for commands in other terminals."""

from pathlib import Path

import pytest

from relearn.schemas.errors import SettingsError
from relearn.scripts.client.environment import load_settings, read_servers, write_servers
from relearn.scripts.embedded.servers.local import Ports

PORTS = Ports(kafka=19095, controller=19096, postgres=15433, valkey=16380)


def test_commands_find_the_ports_that_up_chose(tmp_path: Path) -> None:
    """Written by `up`, read by any command in the same data directory."""
    write_servers(tmp_path, PORTS.settings(["kafka", "postgres", "valkey"]))
    settings = load_settings({"RELEARN_DATA_DIR": str(tmp_path)})
    assert settings.kafka_brokers == ("127.0.0.1:19095",)
    assert settings.postgres_dsn.endswith("127.0.0.1:15433/postgres")
    assert settings.redis_url == "redis://127.0.0.1:16380/0"


def test_what_the_environment_says_comes_first(tmp_path: Path) -> None:
    """A person's own setting outranks the file."""
    write_servers(tmp_path, PORTS.settings(["kafka"]))
    settings = load_settings({"RELEARN_DATA_DIR": str(tmp_path), "RELEARN_KAFKA_BROKERS": "broker:9092"})
    assert settings.kafka_brokers == ("broker:9092",)


def test_a_directory_where_nothing_ever_ran_says_nothing(tmp_path: Path) -> None:
    """The defaults stand."""
    assert read_servers(tmp_path) == {}


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    """The message names the file and the remedy."""
    (tmp_path / "servers.json").write_text("{")
    with pytest.raises(SettingsError, match=r"servers\.json.*relearn up"):
        read_servers(tmp_path)
