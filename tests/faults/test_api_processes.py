"""`relearn api` as processes: several on one port, killed, stopped, and refused what they can't have."""

from __future__ import annotations

import signal
import socket

import psutil
import pytest

from relearn.schemas.settings import Settings
from tests.support.processes.apis import ApiProcess, an_api
from tests.support.waiting import eventually


def children(api: ApiProcess) -> list[psutil.Process]:
    return [one for one in psutil.Process(api.process.pid).children() if one.status() != psutil.STATUS_ZOMBIE]


def until_both_answer(api: ApiProcess) -> None:
    found: set[str | None] = set()

    def both() -> bool:
        found.add(api.number())
        return {"1", "2"} <= found

    eventually(both, lambda: f"only {found} answered:\n{api.log[-3000:]}")


def gone(family: list[psutil.Process]) -> bool:
    return not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in family)


def until_closed(connection: socket.socket) -> bytes:
    """What comes until the other end closes it."""
    return b"".join(iter(lambda: connection.recv(4096), b""))


def test_several_processes_answer_on_one_port_and_one_that_dies_is_started_again(migrated: Settings) -> None:
    """Whatever ends the parent ends them: a signal in order, or a kill."""
    with an_api(migrated, "--workers", "2") as api:
        api.wait_for("event=all_serving")
        until_both_answer(api)
        assert len(children(api)) == 2
        children(api)[0].kill()
        api.wait_for("event=process_ended")
        api.wait_for("event=serving", times=3)
        until_both_answer(api)
        family = children(api)
        assert api.terminate() == 0
        assert gone(family)
        assert "Traceback" not in api.log
    with an_api(migrated, "--workers", "2") as api:
        api.wait_for("event=all_serving")
        family = children(api)
        assert len(family) == 2
        api.process.kill()
        api.process.wait()
        eventually(lambda: gone(family), lambda: f"left behind:\n{api.log[-3000:]}")


def test_one_process_ends_in_order_however_it_is_asked(migrated: Settings) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        with an_api(migrated) as api:
            api.wait_for("event=serving")
            assert api.json("/livez") == {"status": "alive"}
            assert api.terminate(number) == 0
            assert "event=closing" in api.log
            assert "Traceback" not in api.log


@pytest.mark.parametrize("options", [(), ("--workers", "2")], ids=["one process", "two"])
def test_a_body_that_is_on_its_way_is_waited_for(migrated: Settings, options: tuple[str, ...]) -> None:
    """Its request is answered though the process was asked to stop; a connection without one is closed."""
    body = b'{"features": []}'
    with an_api(migrated, *options) as api:
        api.wait_for("event=all_serving" if options else "event=serving")
        with api.connect() as idle, api.connect() as sending:
            idle.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b" 200 " in idle.recv(4096).splitlines()[0]
            sending.sendall(b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n")
            sending.sendall(b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body))
            assert sending.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
            sending.sendall(body[:8])
            api.process.send_signal(signal.SIGTERM)
            api.wait_for("event=closing", times=2 if options else 1)
            until_closed(idle)
            sending.sendall(body[8:])
            said = until_closed(sending)
        assert b" 422 " in said.splitlines()[0]
        assert b"Connection: close" in said
        assert b"urn:relearn:problem:invalid" in said
        assert api.process.wait(60) == 0
        assert "Traceback" not in api.log


def test_what_it_can_not_have_is_one_clear_line(migrated: Settings) -> None:
    """A port that is taken, a host beyond loopback without keys: exit code 2, by one process and by several."""
    with an_api(migrated) as first:
        first.wait_for("event=serving")
        for options in ((), ("--workers", "2")):
            with an_api(migrated, *options, port=first.port) as second:
                assert second.process.wait(60) == 2
            assert f"127.0.0.1 port {first.port} is taken; choose another with --port" in second.log
            with an_api(migrated, "--host", "0.0.0.0", *options) as exposed:
                assert exposed.process.wait(60) == 2
            said = exposed.log.splitlines()
            assert [line for line in said if line.startswith("relearn: ")] == said
            assert len(said) == 1
            assert "RELEARN_API_HOST=0.0.0.0: while there are no keys" in said[0]
        assert first.json("/livez") == {"status": "alive"}
