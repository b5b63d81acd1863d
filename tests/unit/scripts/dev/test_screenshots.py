"""Pictures for the documentation: the errors if they can't be taken, or are too large."""

from __future__ import annotations

from pathlib import Path

import pytest

from relearn.schemas.errors import SetupError
from relearn.scripts.dev.screenshots.__main__ import LARGEST_BYTES, largest
from relearn.scripts.dev.screenshots.browser import chromium, needed
from relearn.scripts.dev.screenshots.history import Found
from relearn.scripts.dev.screenshots.views import views


def test_a_browser_is_the_named_one_else_the_first_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a browser, the message names the way to install one."""
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert chromium() is None
    with pytest.raises(SetupError, match="apt-get install chromium"):
        needed()
    for name in ("google-chrome", "chromium"):
        (tmp_path / name).touch(mode=0o755)
        assert needed() == str(tmp_path / name)
    monkeypatch.setenv("CHROMIUM", "/elsewhere/chrome")
    assert needed() == "/elsewhere/chrome"


def test_a_picture_that_is_too_large_is_named(tmp_path: Path) -> None:
    small, large = tmp_path / "small.png", tmp_path / "large.png"
    small.write_bytes(b"x")
    assert largest([small]) == 1
    large.write_bytes(bytes(LARGEST_BYTES + 1))
    with pytest.raises(SetupError, match=r"large\.png takes 200,001 bytes"):
        largest([small, large])


def test_each_view_has_a_name_of_its_own() -> None:
    names = [view.name for view in views(Found("batch", "0-1-0", 3, "job", 4))]
    assert len(set(names)) == len(names)
