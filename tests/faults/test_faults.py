"""The fault suite at a small size: several faults on one stream, and each acknowledged record ends exactly once.

`relearn bench faults` runs the same faults with the size, the durations and the bars of docs/faults.md. Here no time is
asserted.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from relearn.scripts.dev.bench.faults.fault import SCALES
from relearn.scripts.dev.bench.faults.schedule import FAULTS, run_scene
from tests.support.processes.forked import ForkedCommand
from tests.support.servers.embedded import Servers

SCALE = replace(SCALES["small"], records=5_000, postgres_away_s=3, redis_away_s=1, broker_away_s=1, silent_s=3)
#: Each scene starts its workers once. The faults that no scene names here are in other tests, or in the long form.
SCENES = {
    "connections": ("postgres-cut", "valkey-half-open", "kafka-cut"),
}  # fmt: skip


@pytest.mark.parametrize("scene", SCENES)
def test_each_acknowledged_record_ends_once(servers: Servers, tmp_path: Path, scene: str) -> None:
    """As one row or one dead letter, with its content; totals and offsets agree; stops end with code 0."""
    faults = [FAULTS[name] for name in SCENES[scene]]
    outcome = run_scene(servers, faults, SCALE, seed=0, spawn=ForkedCommand, directory=tmp_path)
    assert outcome.error is None, outcome.error
    assert outcome.findings is not None
    assert outcome.findings.problems() == {}
    assert [one for one in outcome.measures if not one.unit and not one.passed] == []
