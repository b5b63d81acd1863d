"""The HTTP API under `relearn up`: one process, and its port."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from relearn.schemas.errors import SetupError
from relearn.schemas.settings import PREFIX, Settings
from relearn.scripts.client.api_state import NAME
from relearn.scripts.embedded.processes.events import Event, OnEvent
from relearn.scripts.embedded.processes.process import Process, logged
from relearn.scripts.embedded.servers import ports

PORT_SETTING = PREFIX + "API_PORT"
#: The API logs it once it serves.
SERVING = "event=serving"


def choose_port(environment: Mapping[str, str], last: Mapping[str, str], on_event: OnEvent) -> int:
    """The port in the settings, taken or not; else that of the last start, the default one or the next free one."""
    if wanted := environment.get(PORT_SETTING):
        return int(wanted)
    usual: int = Settings.model_fields["api_port"].default
    before = last.get(PORT_SETTING, "")
    first = int(before) if before.isdecimal() else usual
    port = ports.choose(usual, last=first)
    if port != first:
        on_event(Event("note", NAME, f"port {first} is taken, so it listens on {port} instead"))
    return port


def check_port(environment: Mapping[str, str]) -> None:
    """Return if the port in the settings, if any, is free.

    Raises:
        SetupError: it is taken.
    """
    wanted = environment.get(PORT_SETTING)
    if wanted and not ports.is_free(int(wanted)):
        raise SetupError(f"port {wanted} is taken; choose another with {PORT_SETTING}, or leave it to `relearn up`")


def server(environment: Mapping[str, str], log_path: Path) -> Process:
    """The process, for the supervisor to start."""
    return Process(
        name=NAME,
        # -P: modules in the working directory must not be imported.
        argv=(sys.executable, "-P", "-m", "relearn.scripts", "api"),
        cwd=Path.cwd(),
        log_path=log_path,
        ready=logged(log_path, SERVING),
        env=environment,
        stop_timeout_s=25.0,
    )
