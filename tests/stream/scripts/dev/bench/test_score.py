"""`relearn bench score` on a small backlog: each program reads all of it and publishes predictions."""

from __future__ import annotations

import asyncio

import pytest

from relearn.schemas.settings import Settings
from relearn.scripts.dev.bench.score import RUNS, fill, run_program
from relearn.scripts.dev.bench.workload import Form

#: The one of all that isn't `long`.
SHORT = ("chunked", "mixed")


@pytest.mark.parametrize(
    ("program", "form"), [SHORT, *(pytest.param(*run, marks=pytest.mark.long) for run in RUNS if run != SHORT)]
)
def test_a_program_scores_the_whole_backlog(settings: Settings, program: str, form: Form) -> None:
    """Its process ends by itself once the last prediction is acknowledged."""
    fill(settings, form, 500, partitions=2)
    assert asyncio.run(run_program(settings, program, form, 500, 0)) > 0
