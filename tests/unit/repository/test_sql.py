"""SQL of the agents is in stores/, that of the API in queries/."""

from __future__ import annotations

import ast
import re

from tests.support.imports import package_of
from tests.support.paths import ROOT

_SQL = re.compile(r"\b(SELECT .+ FROM|INSERT INTO|UPDATE \w+ SET|DELETE FROM|LOCK TABLE|CREATE TABLE)\b", re.S)
#: A module without any of these isn't parsed.
_VERB = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|LOCK|CREATE)\b")


def test_sql_of_agents_lives_in_stores() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sorted((ROOT / "agents").rglob("*.py"))
        if package_of(str(path.relative_to(ROOT))) != "stores"
        if _VERB.search(text := path.read_text())
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _SQL.search(node.value)
    ]
    assert wrong == []


def test_sql_of_the_api_is_in_its_queries() -> None:
    statement = re.compile(r"\b(SELECT|INSERT INTO|DELETE FROM|CREATE TABLE)\b|\bUPDATE \w+ SET\b")
    wrong = [
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / "api").rglob("*.py"))
        if path.parent.name != "queries" and statement.search(path.read_text())
    ]
    assert wrong == []
