"""Imports go one way: schemas ◀ agents ◀ api ◀ scripts, and inside each; schemas and learning do no I/O.

Modules that are slow to import, or unsafe, stay out.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.support.imports import ROOMS, imports, names_of, package_of, statements
from tests.support.paths import ROOT

IO = {"asyncio", "socket", "subprocess", "aiokafka", "aiohttp", "asyncpg", "confluent_kafka", "faust", "redis", "os"}


def test_no_room_imports_from_a_later_one() -> None:
    wrong = [
        f"{path} imports {name}"
        for i, room in enumerate(ROOMS)
        for path, name in imports(room)
        if name.split(".")[0] in ROOMS[i + 1 :]
    ]
    assert wrong == []


def test_schemas_does_no_io() -> None:
    assert [f"{path} imports {name}" for path, name in imports("schemas") if name.split(".")[0] in IO] == []


#: Packages of agents/ in the order of imports. The packages of one step don't import each other.
AGENTS = [
    {"learning", "availability", "driver_errors"},
    {"stores"},
    {"kafka", "fetch", "quarantine", "foreign"},
    {"models"},
    {"worker"},
    {"dead_letters", "score", "store", "feedback", "retrain", "results"},
]


def test_agents_import_one_way() -> None:
    """learning, availability, driver_errors ◀ stores ◀ kafka, fetch, quarantine, foreign ◀ models ◀ worker ◀ others."""
    step = {package: i for i, packages in enumerate(AGENTS) for package in packages}
    wrong = [
        f"{path} imports {name}"
        for path, name in imports("agents")
        if name.startswith("agents.")
        and (here := package_of(path)) != (other := name.split(".")[1])
        and step[other] >= step.get(here, len(AGENTS))
    ]
    assert wrong == []


def test_learning_does_no_io() -> None:
    """What decides is plain functions."""
    found = [(path, name) for path, name in imports("agents") if package_of(path) == "learning"]
    assert [f"{path} imports {name}" for path, name in found if name.split(".")[0] in {*IO, "pathlib", "io"}] == []


#: Packages of scripts/ in the order of imports; commands and demo don't import each other.
SCRIPTS = [{"render"}, {"client"}, {"data"}, {"embedded"}, {"commands", "demo"}, {"dev"}]


def test_scripts_import_one_way() -> None:
    """render ◀ client ◀ data ◀ embedded ◀ commands, demo ◀ dev; imports by name in a string count too."""
    level = {package: i for i, packages in enumerate(SCRIPTS) for package in packages}
    wrong = []
    for path in sorted((ROOT / "scripts").rglob("*.py")):
        package = path.relative_to(ROOT / "scripts").parts[0]
        if package not in level:
            continue  # cli.py and the modules beside it
        for node in _with_strings(path):
            for name in [*names_of(node), *_names_of_packages(node)]:
                imported = name.removeprefix("relearn.scripts.").split(".")[0]
                later = imported != package and level.get(imported, -1) >= level[package]
                if name.startswith("relearn.scripts.") and later:
                    wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert wrong == []


def _with_strings(path: Path) -> Iterable[ast.AST]:
    """Its import statements, and everything else of a module that names a package in a string."""
    text = path.read_text()
    return ast.walk(ast.parse(text)) if re.search("[\"']relearn\\.scripts\\.", text) else statements(path)


def _names_of_packages(node: ast.AST) -> list[str]:
    """`from relearn.scripts import client`, and a module named in a string, as importlib takes it."""
    if isinstance(node, ast.ImportFrom) and node.module == "relearn.scripts":
        return [f"relearn.scripts.{alias.name}" for alias in node.names]
    named = isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("relearn.scripts.")
    return [str(node.value)] if named and isinstance(node, ast.Constant) else []


#: Packages of api/, lowest first. Those of one line don't import each other.
API = [{"http"}, {"access", "events", "observe"}, {"writes", "queries"}, {"review"}, {"routes"}, {"server"}]


def _runtime_imports(path: Path) -> Iterator[str]:
    """Names that a module imports when it runs: imports under `if TYPE_CHECKING:` are left out."""
    text = path.read_text()
    if "TYPE_CHECKING" not in text:
        yield from (name for node in statements(path) for name in names_of(node))
        return
    tree = ast.parse(text)
    typing = [node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)]
    left_out = {id(inner) for block in typing for node in block.body for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) not in left_out:
            yield from names_of(node)


def test_packages_of_the_api_import_lower_ones_only() -> None:
    level = {package: i for i, packages in enumerate(API) for package in packages}
    folders = {path.parent.name for path in (ROOT / "api").glob("*/__init__.py")}
    assert folders == set(level)
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for package in sorted(level)
        for path in sorted((ROOT / "api" / package).rglob("*.py"))
        for name in _runtime_imports(path)
        if (found := re.match(r"relearn\.api\.(\w+)", name))
        and found[1] != package
        and level[found[1]] >= level[package]
    ]
    assert wrong == []


def test_scikit_learn_stays_out_of_the_workers_and_of_the_training_process() -> None:
    """It takes a second to import. The solver's tests have it as their reference."""
    assert [path for path, name in imports("agents") if name.split(".")[0] == "sklearn"] == []
    roles = ", ".join(f"relearn.agents.{role}.role" for role in ("score", "store", "feedback", "retrain", "results"))
    code = f"import sys, {roles}, relearn.agents.learning.fit; print('sklearn' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert found.stdout.strip() == "False"


def test_nothing_unpickles() -> None:
    """But for what is run beside Relearn to compare it with, in an environment of its own."""
    unsafe, others = {"pickle", "joblib", "dill", "cloudpickle"}, "scripts/dev/bench/api/rivals/"
    found = [(path, name) for room in ROOMS for path, name in imports(room) if not path.startswith(others)]
    assert [f"{path} imports {name}" for path, name in found if name.split(".")[0] in unsafe] == []
