"""What the watch of the fault suite measures can't be a figure that nothing measured."""

from __future__ import annotations

import threading
from typing import Any, cast

import pytest

from relearn.scripts.dev.bench.faults.probe import Probe
from relearn.scripts.dev.bench.faults.watch import Watch
from tests.support.waiting import eventually


class FakeProbe:
    """Counts one more row at each look; `fails` after the first ones."""

    def __init__(self, fails: bool) -> None:
        self._fails = fails
        self._looks = 0

    def stored(self) -> int:
        self._looks += 1
        if self._fails and self._looks > 2:
            raise RuntimeError("lost its state")
        return self._looks

    def close(self) -> None:
        pass


def _watch(*, fails: bool) -> Watch:
    return Watch({}, lambda: cast("Probe", FakeProbe(fails)), {})


def test_a_watch_that_has_not_begun_can_be_ended() -> None:
    """As where a scene couldn't start: what is wrong then is the error of the start."""
    _watch(fails=False).stop()


def test_the_longest_pause_is_at_least_the_time_between_two_looks() -> None:
    """Also where each look sees more rows than the one before."""
    watch = _watch(fails=False)
    watch.start()
    watch.reset()
    eventually(lambda: watch.longest_pause_s() >= 0.1, "no pause")
    watch.stop()
    assert watch.errors == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_pause_goes_on_after_the_thread_that_measures_it_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the error is kept, so that the scene fails."""
    shown: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", shown.append)
    watch = _watch(fails=True)
    watch.start()
    eventually(lambda: watch.errors != [], "no error is noted")
    before = watch.longest_pause_s()
    eventually(lambda: watch.longest_pause_s() > before + 0.2, "the pause has ended")
    watch.stop()
    assert watch.errors == ["_watch_rows: RuntimeError: lost its state"]
    assert [one.exc_type for one in shown] == [RuntimeError]
