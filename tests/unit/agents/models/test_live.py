"""The one mutable cell: a swap rebinds the champion or the shadow, and nothing else."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from relearn.agents.models.live import LiveModel, Served
from relearn.schemas.errors import BadModel
from relearn.schemas.model.linear_svm import Model
from relearn.schemas.model.signed_updates import Role, Update


def _update(activation: int, version: int, role: Role = "champion") -> Update:
    model = Model(version, ("a", "b"), ("x",), np.ones((1, 1)), np.zeros(1), np.zeros(1), np.ones(1))
    return Update("relearn", role, activation, None if role == "none" else model, None, {}, 0.0)


def _on(served: Served | None) -> tuple[int, int] | None:
    return None if served is None else (served.activation, served.model.version)


def test_a_higher_activation_of_a_lower_version_goes_live() -> None:
    live = LiveModel()
    live.swap(_update(1, 7))
    assert live.swap(_update(2, 3)).model.version == 3


def test_a_shadow_is_replaced_by_the_next_and_ended_by_none() -> None:
    live = LiveModel()
    assert _on(live.swap_shadow(_update(1, 7, "shadow"))) == (1, 7)
    assert _on(live.swap_shadow(_update(2, 3, "shadow"))) == (2, 3)
    assert live.swap_shadow(_update(3, 0, "none")) is None
    assert live.shadow is None


def test_a_shadow_that_is_not_there_cannot_be_taken() -> None:
    live = LiveModel()
    with pytest.raises(BadModel, match="without a model"):
        live.swap_shadow(Update("relearn", "shadow", 1, None, None, {}, 0.0))
    assert _on(live.swap_shadow(_update(1, 7, "shadow"))) == (1, 7)


async def test_whoever_waits_gets_the_first_model() -> None:
    live = LiveModel()
    waiting = asyncio.create_task(live.loaded())
    live.swap(_update(1, 7))
    assert (await waiting).activation == 1


async def test_a_shadow_alone_is_no_model_to_score_with() -> None:
    live = LiveModel()
    waiting = asyncio.create_task(live.loaded())
    live.swap_shadow(_update(1, 7, "shadow"))
    await asyncio.sleep(0)
    assert not waiting.done()
    live.swap(_update(2, 3))
    assert (await waiting).model.version == 3


def test_a_models_arrays_cannot_be_written() -> None:
    model = _update(1, 7).model
    assert model is not None
    with pytest.raises(ValueError, match="read-only"):
        model.weights[0, 0] = 5
