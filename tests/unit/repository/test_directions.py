"""Imports go one way: schemas ◀ agents ◀ api ◀ scripts; schemas does no I/O; importing opens and starts nothing."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.support.paths import ROOT

ORDER = ["schemas", "agents", "api", "scripts"]
IO = {"asyncio", "socket", "subprocess", "aiokafka", "aiohttp", "asyncpg", "confluent_kafka", "faust", "redis", "os"}


def _imports(room: str) -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            for name in _names(node):
                yield str(path.relative_to(ROOT)), name.removeprefix("relearn.")


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module else []


def test_no_room_imports_from_a_later_one() -> None:
    wrong = [
        f"{path} imports {name}"
        for i, room in enumerate(ORDER)
        for path, name in _imports(room)
        if name.split(".")[0] in ORDER[i + 1 :]
    ]
    assert wrong == []


def test_the_import_name_is_relearn() -> None:
    """The folders' own names would collide with other packages once they are installed."""
    direct = [
        str(path.relative_to(ROOT))
        for room in [*ORDER, "tests"]
        for path in sorted((ROOT / room).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        for name in _names(node)
        if name.split(".")[0] in ORDER
    ]
    assert direct == []


def test_schemas_does_no_io() -> None:
    assert [f"{path} imports {name}" for path, name in _imports("schemas") if name.split(".")[0] in IO] == []


#: Packages of agents/ in the order of imports. The packages of one step don't import each other.
AGENTS = [
    {"learning", "availability", "driver_errors"},
    {"stores"},
    {"kafka", "fetch", "quarantine"},
    {"models"},
    {"worker"},
    {"dead_letters", "score", "store", "feedback", "retrain"},
]
_SQL = re.compile(r"\b(SELECT .+ FROM|INSERT INTO|UPDATE \w+ SET|DELETE FROM|LOCK TABLE|CREATE TABLE)\b", re.S)


def _package(path: str) -> str:
    """`agents/score/role.py` → `score`."""
    return path.split("/")[1].removesuffix(".py")


def test_agents_import_one_way() -> None:
    """learning, availability, driver_errors ◀ stores ◀ kafka, fetch, quarantine ◀ models ◀ worker ◀ the rest."""
    step = {package: i for i, packages in enumerate(AGENTS) for package in packages}
    wrong = [
        f"{path} imports {name}"
        for path, name in _imports("agents")
        if name.startswith("agents.")
        and (here := _package(path)) != (other := name.split(".")[1])
        and step[other] >= step.get(here, len(AGENTS))
    ]
    assert wrong == []


def test_learning_does_no_io() -> None:
    """What decides is plain functions."""
    found = [(path, name) for path, name in _imports("agents") if _package(path) == "learning"]
    assert [f"{path} imports {name}" for path, name in found if name.split(".")[0] in {*IO, "pathlib", "io"}] == []


def test_sql_of_agents_lives_in_stores() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sorted((ROOT / "agents").rglob("*.py"))
        if _package(str(path.relative_to(ROOT))) != "stores"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _SQL.search(node.value)
    ]
    assert wrong == []


#: One module per subject or verb, named alike on both sides.
_LARGE = {"agents/learning", "api/routes", "schemas/http", "scripts/commands"}


def test_no_package_is_too_large_to_read_or_too_small_to_be_one() -> None:
    sizes = {
        str(folder.relative_to(ROOT)): sum(path.name != "__init__.py" for path in folder.glob("*.py"))
        for room in ORDER
        for folder in [ROOT / room, *(ROOT / room).rglob("*")]
        if (folder / "__init__.py").is_file()
    }
    assert {folder: n for folder, n in sizes.items() if n > 14 and folder not in _LARGE} == {}
    # A folder of packages may hold no module itself, and the SQL files of migrations stand beside what reads them.
    assert [folder for folder, n in sizes.items() if n == 1 and not _has_more(ROOT / folder)] == []


def _has_more(folder: Path) -> bool:
    return any(path.is_dir() and path.name != "__pycache__" for path in folder.iterdir()) or any(folder.glob("*.sql"))


def test_scikit_learn_stays_out_of_the_workers_and_of_the_training_process() -> None:
    """It takes a second to import. The solver's tests have it as their reference."""
    assert [path for path, name in _imports("agents") if name.split(".")[0] == "sklearn"] == []
    roles = ", ".join(f"relearn.agents.{role}.role" for role in ("score", "store", "feedback", "retrain"))
    code = f"import sys, {roles}, relearn.agents.learning.fit; print('sklearn' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert found.stdout.strip() == "False"


def test_nothing_unpickles() -> None:
    """But for what is run beside Relearn to compare it with, in an environment of its own."""
    unsafe, others = {"pickle", "joblib", "dill", "cloudpickle"}, "scripts/dev/bench/api/rivals/"
    found = [(path, name) for room in ORDER for path, name in _imports(room) if not path.startswith(others)]
    assert [f"{path} imports {name}" for path, name in found if name.split(".")[0] in unsafe] == []


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
        for node in ast.walk(ast.parse(path.read_text())):
            for name in [*_names(node), *_names_of_packages(node)]:
                imported = name.removeprefix("relearn.scripts.").split(".")[0]
                later = imported != package and level.get(imported, -1) >= level[package]
                if name.startswith("relearn.scripts.") and later:
                    wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert wrong == []


def _names_of_packages(node: ast.AST) -> list[str]:
    """`from relearn.scripts import client`, and a module named in a string, as importlib takes it."""
    if isinstance(node, ast.ImportFrom) and node.module == "relearn.scripts":
        return [f"relearn.scripts.{alias.name}" for alias in node.names]
    named = isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("relearn.scripts.")
    return [str(node.value)] if named and isinstance(node, ast.Constant) else []


#: Packages of api/, lowest first. Those of one line don't import each other.
API_ORDER = [{"http"}, {"access", "events", "observe"}, {"writes", "queries"}, {"review"}, {"routes"}, {"server"}]


def _runtime_imports(path: Path) -> Iterator[str]:
    """Names that a module imports when it runs: imports under `if TYPE_CHECKING:` are left out."""
    tree = ast.parse(path.read_text())
    typing = [node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)]
    left_out = {id(inner) for block in typing for node in block.body for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) not in left_out:
            yield from _names(node)


def test_packages_of_the_api_import_lower_ones_only() -> None:
    level = {package: i for i, packages in enumerate(API_ORDER) for package in packages}
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


def test_sql_of_the_api_is_in_its_queries() -> None:
    statement = re.compile(r"\b(SELECT|INSERT INTO|DELETE FROM|CREATE TABLE)\b|\bUPDATE \w+ SET\b")
    wrong = [
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / "api").rglob("*.py"))
        if path.parent.name != "queries" and statement.search(path.read_text())
    ]
    assert wrong == []
