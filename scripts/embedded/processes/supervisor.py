"""Starts processes in groups, restarts those that end, and stops the groups in reverse order with all children."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from pathlib import Path

from relearn.schemas.errors import SetupError
from relearn.scripts.client import runfile
from relearn.scripts.embedded.processes.events import Event, Kind, OnEvent, ignore
from relearn.scripts.embedded.processes.process import Process, last_lines
from relearn.scripts.embedded.processes.restart_wait import RestartWait
from relearn.scripts.embedded.processes.spawn import bound_log, end, spawn

POLL_S = 0.1
TIDY_S = 30.0


class Child:
    """A process and its state over all restarts."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.running = runfile.Running(log=str(process.log_path), stop_signal=int(process.stop_signal))
        self.spawning: asyncio.Task[asyncio.subprocess.Process] | None = None
        self.handle: asyncio.subprocess.Process | None = None
        self.lives: asyncio.Task[None] | None = None
        self.log_start = 0
        self.restarts = RestartWait()
        self.first_ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def alive(self) -> bool:
        return self.handle is not None and self.handle.returncode is None


class Supervisor:
    """Owns its children; must be used by one event loop, in a thread that outlives them (see `spawn`)."""

    def __init__(self, data_dir: Path, on_event: OnEvent = ignore, *, restart: bool = True) -> None:
        self._data_dir = data_dir
        self._on_event = on_event
        self._restart = restart
        self._children: dict[str, Child] = {}
        self._groups: list[list[str]] = []
        self._run = runfile.begin(data_dir)
        self._tidying: asyncio.Task[None] | None = None

    async def start(self, *processes: Process) -> None:
        """Start a group side by side; returns when all that have a deadline are ready.

        Raises:
            SetupError: a process wasn't ready in time, or ended; the message has the end of its log.
        """
        if self._tidying is None:
            self._tidying = asyncio.create_task(self._tidy())
        group = [Child(process) for process in processes]
        self._groups.append([child.process.name for child in group])
        for child in group:
            self._children[child.process.name] = child
            self._begin(child)
        awaited = [child.first_ready for child in group if child.process.ready_timeout_s is not None]
        await asyncio.gather(*awaited)

    async def stop(self, name: str) -> None:
        """Stop one process and wait for its end; kill it after its stop timeout. Does nothing if it isn't running."""
        child = self._children[name]
        if child.running.state != "stopped":
            await self._end(child)

    async def start_stopped(self, name: str, changed: Process | None = None) -> None:
        """Start one that was stopped or killed, as `changed` if given; returns when it is ready."""
        child = Child(changed or self._children[name].process)
        self._children[name] = child
        self._begin(child)
        if child.process.ready_timeout_s is not None:
            await child.first_ready

    async def stop_all(self) -> None:
        """Stop the groups, last first. Cancelled while waiting: kills the rest at once, then raises."""
        try:
            for group in reversed(self._groups):
                await asyncio.gather(*(self.stop(name) for name in group))
        except asyncio.CancelledError:
            self.kill_all()
            await asyncio.gather(*(self.stop(name) for name in self._children))
            raise
        finally:
            self._groups.clear()
            if self._tidying is not None:
                self._tidying.cancel()
                await asyncio.gather(self._tidying, return_exceptions=True)

    def kill(self, name: str) -> None:
        """Kill one process as a crash would. It is restarted if this supervisor restarts."""
        child = self._children[name]
        if child.handle is not None and child.alive:
            child.handle.kill()

    def kill_all(self) -> None:
        """Kill every child and its process group now."""
        for child in self._children.values():
            _kill_group(child)

    def pid(self, name: str) -> int | None:
        """The process id; None if the process isn't running."""
        child = self._children[name]
        return child.handle.pid if child.handle is not None and child.alive else None

    def state(self, name: str) -> str:
        """The state as in `run.json`."""
        return self._children[name].running.state

    def _begin(self, child: Child) -> None:
        child.lives = asyncio.create_task(self._live(child))
        child.lives.add_done_callback(lambda lives: self._over(child, lives))

    def _over(self, child: Child, lives: asyncio.Task[None]) -> None:
        """Report an error that ended the supervision of a child, and fail the start that waits for it."""
        error = None if lives.cancelled() else lives.exception()
        if error is None:
            return
        self._note(child, "dead", "died", f"can't be run: {error}")
        if not child.first_ready.done():
            child.first_ready.set_exception(SetupError(f"{child.process.name} can't be run: {error}"))

    async def _live(self, child: Child) -> None:
        """Run one child and restart it when it ends, until `_end` cancels this."""
        while True:
            await self._spawn(child)
            born = time.monotonic()
            if await self._until_ready(child):
                self._note(child, "ready", "restarted" if child.running.restarts else "ready", "ready")
                if not child.first_ready.done():
                    child.first_ready.set_result(None)
            elif child.process.ready_timeout_s is not None and not child.first_ready.done():
                child.first_ready.set_exception(SetupError(_why_not_ready(child)))
                return
            elif child.alive:
                self._on_event(Event("note", child.process.name, "isn't ready in time: killed"))
                _kill_group(child)
            await self._wait_for_the_end(child)
            if not self._restart:
                return
            await asyncio.sleep(child.restarts.wait_s(time.monotonic() - born))
            child.running.restarts += 1

    async def _spawn(self, child: Child) -> None:
        child.log_start = _size(child.process.log_path)
        child.spawning = asyncio.create_task(spawn(child.process))
        child.handle = await asyncio.shield(child.spawning)  # a child without a handle would be left behind
        runfile.describe(child.running, child.handle.pid)
        self._note(child, "starting", "starting", "starting")

    async def _until_ready(self, child: Child) -> bool:
        timeout_s = child.process.ready_timeout_s
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while child.alive and (deadline is None or time.monotonic() < deadline):
            if await child.process.ready(child.log_start) and child.alive:
                return True
            await asyncio.sleep(POLL_S)
        return False

    async def _wait_for_the_end(self, child: Child) -> None:
        assert child.handle is not None
        code = await child.handle.wait()
        _kill_group(child)
        child.running.pid = child.running.create_time = None
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
        again = ", starting it again" if self._restart else ""
        line = last_lines(child.process.log_path, 1, child.log_start).strip()
        text = f"{how}{again}; the last line of {child.process.log_path}: {line}"
        self._note(child, "waiting" if self._restart else "dead", "died", text)

    async def _end(self, child: Child) -> None:
        if child.lives is not None:
            child.lives.cancel()
            await asyncio.gather(child.lives, return_exceptions=True)
        if not child.first_ready.cancel() and not child.first_ready.cancelled():
            child.first_ready.exception()  # else asyncio warns that it was never retrieved
        if child.spawning is not None:
            with contextlib.suppress(OSError):
                child.handle = await child.spawning
        if child.handle is not None:
            if child.alive:
                self._note(child, child.running.state, "stopping", "stopping")
            await end(child.handle, child.process)
        child.running.pid = child.running.create_time = None
        self._note(child, "stopped", "stopped", "stopped")

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(TIDY_S)
            for child in self._children.values():
                bound_log(child.process.log_path)

    def _note(self, child: Child, state: str, kind: Kind, text: str) -> None:
        child.running.state = state
        self._run.processes[child.process.name] = child.running
        runfile.save(self._data_dir, self._run)
        self._on_event(Event(kind, child.process.name, text))


def _kill_group(child: Child) -> None:
    """Kill the child's process group, which remains while it has members."""
    if child.handle is not None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.handle.pid, signal.SIGKILL)


def _why_not_ready(child: Child) -> str:
    process = child.process
    what = f"wasn't ready within {process.ready_timeout_s:.0f} s" if child.alive else "ended while starting"
    return (
        f"{process.name} {what}; the end of {process.log_path}:\n{last_lines(process.log_path, since=child.log_start)}"
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
