"""The roles that a worker can take, and running one as a process of its own."""

from __future__ import annotations

import importlib
from signal import Signals
from typing import Any

import faust

from relearn.agents.worker.logging import set_up_logging
from relearn.agents.worker.shutdown import STOP_GRACE_S, exit_within
from relearn.schemas.settings import Settings

ROLES = {
    "score": "relearn.agents.score.role",
    "store": "relearn.agents.store.role",
    "feedback": "relearn.agents.feedback.role",
    "retrain": "relearn.agents.retrain.role",
}


def run_worker(settings: Settings, role: str, worker_id: str | None) -> int:
    """Run one worker until it is told to stop (SIGTERM, Ctrl-C) or can't go on; its exit code."""
    set_up_logging(settings.log_level, role=role, worker=worker_id or role)
    app: faust.App = importlib.import_module(ROLES[role]).build(settings, worker_id)
    app.finalize()
    worker = _QuietWorker(app, loglevel=None, redirect_stdouts=False, override_logging=False)
    worker.execute_from_commandline()


class _QuietWorker(faust.Worker):
    """Faust's worker without its banner and spinner; logging is set up already, and stopping has an end."""

    def _setup_spinner_handler(self, logger: Any, level: int) -> None:
        self.spinner = None

    def _schedule_shutdown(self, signal: Signals) -> None:
        """Stop in order, but not for ever: a broker that is away answers no last commit."""
        exit_within(STOP_GRACE_S)
        super()._schedule_shutdown(signal)

    def _setup_logging(self) -> None:
        """Nothing: `agents.worker.logging` did it."""

    async def _sentinel_task(self) -> None:
        """Return at once. Mode sleeps a second here, after every service and task has ended."""
