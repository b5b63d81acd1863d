"""The one mutable cell: a swap goes by activation, never back."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from agents.live_model import LiveModel
from schemas.errors import BadModel
from schemas.model import Model
from schemas.updates import Update


def _update(activation: int, version: int) -> Update:
    model = Model(version, ("a", "b"), ("x",), np.ones((1, 1)), np.zeros(1), np.zeros(1), np.ones(1))
    return Update("relearn", "champion", activation, model, None, {}, 0.0)


def test_a_higher_activation_of_a_lower_version_goes_live() -> None:
    live = LiveModel()
    live.swap(_update(1, 7))
    assert live.swap(_update(2, 3)).model.version == 3


@pytest.mark.parametrize("activation", [1, 2])
def test_a_stale_activation_changes_nothing(activation: int) -> None:
    live = LiveModel()
    live.swap(_update(2, 7))
    with pytest.raises(BadModel, match="stale"):
        live.swap(_update(activation, 8))
    assert live.current is not None
    assert live.current.model.version == 7


async def test_whoever_waits_gets_the_first_model() -> None:
    live = LiveModel()
    waiting = asyncio.create_task(live.loaded())
    live.swap(_update(1, 7))
    assert (await waiting).activation == 1


def test_a_models_arrays_cannot_be_written() -> None:
    model = _update(1, 7).model
    assert model is not None
    with pytest.raises(ValueError, match="read-only"):
        model.weights[0, 0] = 5
