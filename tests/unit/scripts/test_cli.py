"""The command's last line, where it fails."""

from __future__ import annotations

import pytest

from relearn.schemas.errors import PostgresUnavailable, SetupError
from relearn.scripts.cli import is_up_running


def test_without_settings_a_server_that_does_not_answer_is_one_of_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where servers are named, or the line asks already, or the error is another one, nothing is added."""
    for name in ("KAFKA_BROKERS", "POSTGRES_DSN", "REDIS_URL"):
        monkeypatch.delenv(f"RELEARN_{name}", raising=False)
    away = PostgresUnavailable("Postgres doesn't answer")
    assert is_up_running(away, str(away)) == "; is `relearn up` running, with the same RELEARN_DATA_DIR?"
    assert is_up_running(away, "is `relearn up` running?") == is_up_running(SetupError("x"), "x") == ""
    monkeypatch.setenv("RELEARN_POSTGRES_DSN", "postgresql://db/x")
    assert is_up_running(away, str(away)) == ""
