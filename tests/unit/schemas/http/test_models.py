"""The API's jobs and models match the stores: no field and no state is missing or made up."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

import msgspec

from relearn.agents.learning.training_set import Source
from relearn.agents.stores.training import jobs, lineage, models
from relearn.schemas.http import jobs as http_jobs
from relearn.schemas.http import models as http_models

NOW = datetime(2026, 1, 1, tzinfo=UTC)
JOB = jobs.Job("j", "train", "promoted", {"trigger": "count"}, None, None, 2, 1, {}, NOW, NOW, None, None, 1)
ROW = models.ModelRow(2, "champion", "j", 1, {}, 3, 0, NOW, 4, NOW, None, {"trigger": "count"})
ACTIVATED = lineage.Activated(4, "champion", "j", None, {}, NOW, None, "key")
FOUND = lineage.Lineage(ROW, JOB, 0, "ff", ("x",), {"yes": {"bootstrap": 3}}, [ACTIVATED])


#: What the API adds: audits are counted when it is asked.
COUNTED = {"live": None}


def names(struct: type[msgspec.Struct]) -> set[str]:
    return {field.name for field in msgspec.structs.fields(struct)}


def test_states_are_those_of_the_tables() -> None:
    assert get_args(http_jobs.State) == get_args(jobs.State)
    assert get_args(http_models.State) == get_args(models.State)
    assert get_args(http_models.Source) == get_args(Source)


def test_fields_are_those_of_the_stores() -> None:
    assert names(http_jobs.Job) == set(jobs.job_fields(JOB))
    assert names(http_models.Model) == set(models.model_row_fields(ROW)) | COUNTED.keys()
    assert names(http_models.ModelLineage) == set(lineage.lineage_fields(FOUND)) | COUNTED.keys()
    assert names(http_models.Activation) == set(ACTIVATED._fields)
    assert names(http_models.TrainingExample) == set(lineage.Used._fields)


def test_what_the_stores_say_can_be_answered() -> None:
    told = {**lineage.lineage_fields(FOUND), **COUNTED}
    assert msgspec.to_builtins(msgspec.convert(told, http_models.ModelLineage)) == told
