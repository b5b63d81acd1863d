"""The sizes of packages and modules: enough modules to be one, few enough to be read, none too long."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.support.imports import ROOMS
from tests.support.paths import ROOT

#: One module per subject or verb, named alike on both sides.
_LARGE = {"agents/learning", "api/routes", "schemas/http", "scripts/commands"}


def test_no_package_is_too_large_to_read_or_too_small_to_be_one() -> None:
    sizes = {
        str(folder.relative_to(ROOT)): sum(path.name != "__init__.py" for path in folder.glob("*.py"))
        for room in ROOMS
        for folder in [ROOT / room, *(ROOT / room).rglob("*")]
        if (folder / "__init__.py").is_file()
    }
    assert {folder: n for folder, n in sizes.items() if n > 14 and folder not in _LARGE} == {}
    # A folder of packages may hold no module itself, and the SQL files of migrations stand beside what reads them.
    assert [folder for folder, n in sizes.items() if n == 1 and not _has_more(ROOT / folder)] == []


def test_a_reading_order_names_every_module() -> None:
    """A package's docstring that names one of its modules names all of them, and packages with a slash."""
    unnamed = {}
    for room in ROOMS:
        for init in [ROOT / room / "__init__.py", *(ROOT / room).rglob("*/__init__.py")]:
            folder, text = init.parent, ast.get_docstring(ast.parse(init.read_text())) or ""
            modules = {path.stem for path in folder.glob("*.py")} - {"__init__", "__main__"}
            named = set(re.findall(r"`([a-z_]+)`", text))
            packages = {path.parent.name for path in folder.glob("*/__init__.py")}
            slashed = set(re.findall(r"\b([a-z_]+)/", text))
            if modules & named and (left := (modules - named) | (packages - slashed)):
                unnamed[str(folder.relative_to(ROOT))] = sorted(left)
    assert unnamed == {}


def _has_more(folder: Path) -> bool:
    return any(path.is_dir() and path.name != "__pycache__" for path in folder.iterdir()) or any(folder.glob("*.sql"))


def test_no_module_is_too_long_to_read() -> None:
    """Above 300 lines there is a second subject in it."""
    modules = (path for room in ROOMS for path in (ROOT / room).rglob("*.py") if "node_modules" not in path.parts)
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in modules}
    assert {path: lines for path, lines in lengths.items() if lines > 300} == {}
