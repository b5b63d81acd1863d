"""Wall clocks are read to show times, to name when a message was made, or for nothing: never to decide."""

from __future__ import annotations

import ast

import pytest

from tests.support.paths import ROOT

#: Each module that reads its machine's wall clock, and why that decides nothing. Durations are measured by
#: `time.monotonic`; orders, cuts and ages come from Postgres and the broker: docs/decisions/clocks.md.
ALLOWED = {
    "agents/availability/notices.py": "since when a notice is shown",
    "agents/availability/retry.py": "since when a server is away, shown",
    "agents/dead_letters/redrive.py": "`redriven_at`, shown",
    "agents/kafka/dead_letter_sink.py": "`at` of a dead letter, shown",
    "agents/kafka/send_command.py": "CloudEvents' `ce_time`",
    "agents/models/swapper.py": "the log's `published_ms_ago`",
    "agents/models/publish.py": "CloudEvents' `ce_time`",
    "agents/results/sender.py": "CloudEvents' `ce_time`",
    "agents/score/block_sender.py": "CloudEvents' `ce_time`",
    "agents/score/scorer.py": "`scored_at`, shown",
    "agents/store/writer.py": "`at` of a dead letter, shown",
    "agents/stores/training/activations.py": "`published_at` of an update, shown",
    "agents/worker/heartbeat.py": "`seen_at`, shown",
    "agents/worker/main.py": "`seen_at`, shown",
    "api/observe/health.py": "since when a check passes or fails, shown",
    "api/writes/outbox.py": "CloudEvents' `ce_time`",
}
WALL = {("time", "time"), ("time", "time_ns"), ("datetime", "now"), ("datetime", "utcnow"), ("date", "today")}


def _names_wall_clock(text: str) -> bool:
    """Whether a module's text could read one: only such a module is parsed."""
    return any(name in text and attribute in text for name, attribute in WALL)


def _reads_wall_clock(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and (node.value.id, node.attr) in WALL


@pytest.mark.parametrize("room", ["agents", "api"])
def test_no_module_decides_by_its_machines_clock(room: str) -> None:
    """A new reading of a wall clock needs its reason here."""
    found = {
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / room).rglob("*.py"))
        if _names_wall_clock(text := path.read_text())
        and any(_reads_wall_clock(node) for node in ast.walk(ast.parse(text)))
    }
    assert found == {path for path in ALLOWED if path.startswith(f"{room}/")}
