"""The entry point of a worker process: its role, its logging, and how it stops."""

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
    """Run one worker until SIGTERM, Ctrl-C or an error that it can't handle; the exit code."""
    set_up_logging(settings.log_level, role=role, worker=worker_id or role)
    app: faust.App = importlib.import_module(ROLES[role]).build(settings, worker_id)
    app.finalize()
    worker = _QuietWorker(app, loglevel=None, redirect_stdouts=False, override_logging=False)
    worker.execute_from_commandline()


class _QuietWorker(faust.Worker):
    """Faust's worker without its banner and spinner. Logging is set up already, and stopping is bounded in time."""

    def _setup_spinner_handler(self, logger: Any, level: int) -> None:
        self.spinner = None

    def _schedule_shutdown(self, signal: Signals) -> None:
        """Stop in order, within STOP_GRACE_S: an unavailable broker never answers the last commit."""
        exit_within(STOP_GRACE_S)
        super()._schedule_shutdown(signal)

    def _setup_logging(self) -> None:
        """Nothing: `set_up_logging` has run."""

    async def _sentinel_task(self) -> None:
        """Return at once. Mode sleeps a second here, after every service and task has ended."""
