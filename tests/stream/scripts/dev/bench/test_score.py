"""`relearn bench score` on a small backlog: each program reads all of it and publishes predictions."""

from __future__ import annotations

import asyncio

import pytest

from relearn.schemas.settings import Settings
from relearn.scripts.dev.bench.score import FORMS, PROGRAMS, fill, run_program


@pytest.mark.parametrize(
    "program", ["chunked", *(pytest.param(one, marks=pytest.mark.long) for one in PROGRAMS if one != "chunked")]
)
def test_a_program_scores_the_whole_backlog(settings: Settings, program: str) -> None:
    """Its process ends by itself once the last prediction is acknowledged."""
    form = FORMS[PROGRAMS.index(program) % len(FORMS)]
    fill(settings, form, 500, partitions=2)
    assert asyncio.run(run_program(settings, program, form, 500, 0)) > 0
