"""The mapping is read at the start of a worker, and compared with the features of its model."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from relearn.agents.availability.notices import Notices
from relearn.agents.availability.retry import Retry
from relearn.agents.foreign.intake import Intake
from relearn.agents.worker.state import WorkerState
from relearn.schemas.errors import SettingsError, SetupError
from relearn.schemas.settings import Settings

RETRY = Retry(WorkerState("", ""), stop=lambda: False)


def intake(path: Path, content: str, notices: Notices) -> Intake:
    path.write_text(content)
    return Intake(Settings(ingest_mapping=path), notices, RETRY)


def test_without_settings_there_is_no_reader() -> None:
    """Messages of Relearn's own cost nothing more."""
    found = Intake(Settings(), Notices(), RETRY)
    found.check(["a"])
    assert (found.reader, found.skipped) == (None, 0)


@pytest.mark.parametrize("content", [None, b"\xff", b"a = ", b" " * (4 * 1024 * 1024 + 1)])
def test_a_file_that_cant_be_read_is_refused_by_the_settings_name(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "mapping.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=r"^RELEARN_INGEST_MAPPING=.*mapping.toml: (can't be read|not TOML|larger)"):
        Intake(Settings(ingest_mapping=path), Notices(), RETRY)


def test_a_feature_without_a_path_is_waited_for(tmp_path: Path) -> None:
    found = intake(tmp_path / "m", '[features]\na = "a"\nagee = "x"', Notices())
    with pytest.raises(SetupError, match=r"no path for the model's 'age' in .*no feature of the model: 'agee'"):
        found.check(("a", "age"))


def test_a_path_without_a_feature_is_a_notice_while_the_model_lacks_it(tmp_path: Path) -> None:
    notices = Notices()
    found = intake(tmp_path / "m", '[features]\na = "a"\nnew = "x"', notices)
    found.check(("a",))
    assert [one["code"] for one in notices.listed()] == ["mapping"]
    found.check(("a", "new"))
    assert notices.listed() == []


def test_without_its_packages_a_registry_is_refused_by_the_settings_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message has the command that installs them."""
    for name in ("codecs", "registry"):
        monkeypatch.delitem(sys.modules, f"relearn.agents.foreign.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "httpx2", None)
    with pytest.raises(
        SettingsError, match=r"RELEARN_SCHEMA_REGISTRY_URL: httpx2 is missing: pip install 'relearn\[reg"
    ):
        Intake(Settings(schema_registry_url="http://127.0.0.1:9"), Notices(), RETRY)
