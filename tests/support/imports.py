"""What the modules of the repository import, read without running them."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

from tests.support.paths import ROOT

#: The folders at the top, in the order of imports.
ROOMS = ["schemas", "agents", "api", "scripts"]


@cache
def imports(room: str) -> list[tuple[str, str]]:
    """Each module of a room, by its path, with each name that it imports; `relearn.` is left out."""
    return [
        (str(path.relative_to(ROOT)), name.removeprefix("relearn."))
        for path in sorted((ROOT / room).rglob("*.py"))
        for node in statements(path)
        for name in names_of(node)
    ]


@cache
def statements(path: Path) -> list[ast.Import | ast.ImportFrom]:
    """A file's import statements. A file is parsed once per process: parsing all of them takes seconds."""
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, (ast.Import, ast.ImportFrom))]


def names_of(node: ast.AST) -> list[str]:
    """The modules that a statement imports."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module else []


def package_of(path: str) -> str:
    """`agents/score/role.py` → `score`."""
    return path.split("/")[1].removesuffix(".py")
