"""A results worker that has nothing to send, or lacks what it needs, ends with the reason."""

from __future__ import annotations

import sys

import pytest

from relearn.agents.results.role import build
from relearn.schemas.errors import SettingsError
from relearn.schemas.settings import Settings


def test_where_results_are_off_there_is_nothing_to_send() -> None:
    with pytest.raises(SettingsError, match="RELEARN_RESULTS=off: a results worker has nothing to send"):
        build(Settings(), "results-1")


def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fastavro", None)
    monkeypatch.delitem(sys.modules, "relearn.agents.results.avro", raising=False)
    with pytest.raises(SettingsError, match=r"fastavro is missing: pip install 'relearn\[registry\]'"):
        build(Settings(results="avro", schema_registry_url="http://127.0.0.1:1"), "results-1")
