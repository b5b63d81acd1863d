"""Which port a server listens on."""

import os
import socket
from pathlib import Path

import pytest

from relearn.schemas.errors import SetupError
from relearn.scripts.embedded import api
from relearn.scripts.embedded.processes.events import ignore
from relearn.scripts.embedded.servers import local, ports


def test_the_usual_port_is_taken_when_it_is_free() -> None:
    """Nothing in the way: the documented port."""
    assert ports.choose(19092, free=lambda port: True) == 19092


def test_the_port_of_last_time_comes_before_the_usual_one() -> None:
    """Other terminals may still hold the old address."""
    assert ports.choose(19092, last=19095, free=lambda port: True) == 19095


def test_a_taken_port_gives_way_to_the_next_free_one() -> None:
    """A person's own server keeps its port."""
    assert ports.choose(19092, last=19092, taken=[19094], free=lambda port: port > 19093) == 19095


def test_no_free_port_is_a_setup_error() -> None:
    """The search has an end."""
    with pytest.raises(SetupError, match="no free port between 19092 and"):
        ports.choose(19092, free=lambda port: False)


def test_a_port_that_somebody_listens_on_is_not_free() -> None:
    """The real check, on a real socket."""
    with socket.create_server((ports.LOOPBACK, 0)) as listener:
        assert not ports.is_free(listener.getsockname()[1])


def test_a_taken_port_is_said_by_name_and_number() -> None:
    """The event names the server, the port that was taken and the one used instead."""
    with socket.create_server((ports.LOOPBACK, 0)) as listener:
        taken = listener.getsockname()[1]
        said: list[str] = []
        last = {"RELEARN_REDIS_URL": f"redis://127.0.0.1:{taken}/0"}
        at = local.choose_ports(["valkey"], last, lambda event: said.append(f"{event.name}: {event.text}"))
    assert at.valkey != taken
    assert said == [f"valkey: port {taken} is taken, so it listens on {at.valkey} instead"]


def test_a_server_whose_setting_is_given_is_not_run_here() -> None:
    """External servers by settings alone, each for itself."""
    assert local.embedded({"RELEARN_POSTGRES_DSN": "postgresql://db/x", "RELEARN_REDIS_URL": ""}) == [
        "kafka",
        "valkey",
    ]


def test_the_api_listens_where_it_was_told_to_and_nowhere_else() -> None:
    """Other terminals use the same port; that it is taken is then an error, before anything is started."""
    with socket.create_server((ports.LOOPBACK, 0)) as listener:
        taken = listener.getsockname()[1]
        told = {"RELEARN_API_PORT": str(taken)}
        assert api.choose_port(told, {}, ignore) == taken
        with pytest.raises(SetupError, match=f"port {taken} is taken"):
            api.check_port(told)
    api.check_port(told)
    api.check_port({})


def test_the_api_comes_back_to_its_last_port_or_says_where_it_is() -> None:
    """Without a port in the settings: the one of the last start, unless it is taken now."""
    with socket.create_server((ports.LOOPBACK, 0)) as listener:
        last = listener.getsockname()[1]
    assert api.choose_port({}, {"RELEARN_API_PORT": str(last)}, ignore) == last
    said: list[str] = []
    with socket.create_server((ports.LOOPBACK, last)):
        port = api.choose_port({}, {"RELEARN_API_PORT": str(last)}, lambda event: said.append(event.text))
    assert said == [f"port {last} is taken, so it listens on {port} instead"]


def test_the_lock_is_in_a_directory_of_this_user_alone(tmp_path: Path) -> None:
    """The runtime directory, else the cache; a file in their place leads to the next. Never the shared one."""
    home = tmp_path / "home"
    assert ports.lock_directory({"HOME": str(home), "XDG_RUNTIME_DIR": str(tmp_path)}) == tmp_path / "relearn"
    (tmp_path / "taken").touch()
    found = ports.lock_directory({"HOME": str(home), "XDG_RUNTIME_DIR": str(tmp_path / "taken")})
    assert found == home / ".cache" / "relearn"
    assert found.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to another user")
def test_a_directory_of_another_user_neither_blocks_nor_holds_the_lock(tmp_path: Path) -> None:
    """Made first by another user: the next candidate is used."""
    planted = tmp_path / "runtime" / "relearn"
    planted.mkdir(parents=True, mode=0o777)
    os.chown(planted, 54_321, 54_321)
    found = ports.lock_directory({"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(planted.parent)})
    assert found == tmp_path / ".cache" / "relearn"
