"""What the docs say is there, is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from relearn.schemas.settings import PREFIX, Settings
from tests.support.paths import ROOT

PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_every_setting_is_documented_and_every_documented_one_is_there() -> None:
    documented = set(re.findall(r"^\| `RELEARN_(\w+)`", (ROOT / "docs/operations.md").read_text(), re.MULTILINE))
    assert documented == {name.upper() for name in Settings.model_fields}


def test_every_dependency_has_its_line() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    named = set(re.findall(r'^    "([a-z0-9-]+)[>=<]', text, re.MULTILINE)) - {"setuptools"}
    page = (ROOT / "docs/dependencies.md").read_text()
    assert {name for name in named if name not in page} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text())
    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_named_is_there(page: Path) -> None:
    named = re.findall(r"`((?:schemas|agents|api|scripts|tests|docs)/[\w./-]*)`", page.read_text())
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_setting_named_anywhere_is_one_that_there_is() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    named = {name for page in PAGES for name in re.findall(r"`(RELEARN_[A-Z_]+)`", page.read_text())}
    assert named - known == set()
