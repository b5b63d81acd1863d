"""Kafka's admin clients are closed by the code that made them, never by Python's garbage collection."""

from __future__ import annotations

import ast

import pytest

from tests.support.paths import ROOT

MAKERS = {"admin_client", "Admin", "AdminClient"}
#: Modules that make a client outside of a `with` block, and where they close it.
CLOSED_LATER = {
    "agents/kafka/limits.py": "MessageLimits.close",
    "agents/kafka/topics.py": "by the callers of admin_client",
    "agents/worker/main.py": "in a finally block, with the other servers' clients",
    "api/server/app.py": "in a finally block, with the other servers' clients",
    "scripts/dev/bench/faults/probe.py": "kept until the process ends",
}


def _made_outside_with(tree: ast.AST) -> bool:
    managed = {
        id(item.context_expr)
        for node in ast.walk(tree)
        if isinstance(node, (ast.With, ast.AsyncWith))
        for item in node.items
    }
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in MAKERS
        and id(node) not in managed
        for node in ast.walk(tree)
    )


@pytest.mark.parametrize("room", ["agents", "api", "scripts"])
def test_no_admin_client_is_left_to_garbage_collection(room: str) -> None:
    """librdkafka aborts the process when its own thread, in which Python collects garbage, ends a client."""
    found = {
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / room).rglob("*.py"))
        if any(maker in (text := path.read_text()) for maker in MAKERS) and _made_outside_with(ast.parse(text))
    }
    assert found == {path for path in CLOSED_LATER if path.startswith(f"{room}/")}
