"""Worker processes for tests: the command `relearn worker` itself, to be killed, stopped and restarted."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from relearn.schemas.settings import PREFIX, Settings, as_environment
from tests.support.processes.forked import ForkedCommand
from tests.support.waiting import eventually


def environment(settings: Settings, **given: str) -> dict[str, str]:
    """The settings as a child's environment: all that aren't the default; `given`, without the prefix, wins."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return {**plain, **as_environment(settings), **{PREFIX + name: value for name, value in given.items()}}


class WorkerProcess:
    """One worker, with its log in a file, named after its id or `log_name`."""

    def __init__(
        self, settings: Settings, role: str, worker_id: str, *, static: bool = True, log_name: str | None = None
    ) -> None:
        self.id = worker_id
        self._arguments = [role, "--id", worker_id] if static else [role]
        self._environment = environment(settings, LOG_LEVEL="debug")
        self.log_path = settings.data_dir / f"{log_name or worker_id}.log"
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        self._process: ForkedCommand | None = None
        self.starts = 0
        self.start()

    def start(self) -> None:
        self.starts += 1
        self._process = ForkedCommand(("worker", *self._arguments), self._environment, self.log_path)

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """kill -9."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def ended(self) -> int:
        """Wait until it has ended by itself; its exit code."""
        assert self._process is not None
        return self._process.wait(60)

    def terminate(self) -> int:
        """SIGTERM, and wait until it has ended; its exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(60)

    def told(self) -> str:
        """Whether it runs, and the end of its log."""
        state = "runs" if self.running else "has ended"
        return f"{self.id} {state}; the end of its log:\n{self.log[-3000:]}"

    def wait_for(self, text: str, times: int = 1) -> None:
        """Until its log reports it."""
        eventually(lambda: self.log.count(text) >= times, lambda: f"{self.id} never said {text!r}:\n{self.log[-3000:]}")


@contextmanager
def running_until_the_end(processes: Mapping[str, WorkerProcess]) -> Iterator[None]:
    """Kill them after the block; an error of the block gets their logs as notes."""
    try:
        yield
    except BaseException as exc:
        for worker in processes.values():
            exc.add_note(worker.told())
        raise
    finally:
        for worker in processes.values():
            if worker.running:
                worker.kill()


@contextmanager
def workers(settings: Settings, **roles: int) -> Iterator[dict[str, WorkerProcess]]:
    """The given number of workers per role while the block runs, by name (`score-1`)."""
    running: dict[str, WorkerProcess] = {}
    with running_until_the_end(running):
        for role, count in roles.items():
            for number in range(1, count + 1):
                running[f"{role}-{number}"] = WorkerProcess(settings, role, f"{role}-{number}")
        yield running
