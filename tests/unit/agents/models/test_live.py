"""The one mutable cell: swaps go by activation, never back; champion and shadow don't meddle with each other."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relearn.agents.models.live import LiveModel, Served
from relearn.schemas.errors import BadModel
from relearn.schemas.model.linear_svm import Model
from relearn.schemas.model.updates import Role, Update


def _update(activation: int, version: int, role: Role = "champion") -> Update:
    model = Model(version, ("a", "b"), ("x",), np.ones((1, 1)), np.zeros(1), np.zeros(1), np.ones(1))
    return Update("relearn", role, activation, None if role == "none" else model, None, {}, 0.0)


def _on(served: Served | None) -> tuple[int, int] | None:
    return None if served is None else (served.activation, served.model.version)


def _take(live: LiveModel, update: Update) -> None:
    """As a process takes what the topic holds: what is refused changes nothing."""
    with suppress(BadModel):
        if update.key == "champion":
            live.swap(update)
        else:
            live.swap_shadow(update)


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


@pytest.mark.parametrize("role", ["shadow", "none"])
@pytest.mark.parametrize("last", ["shadow", "none"])
@pytest.mark.parametrize("activation", [3, 4])
def test_a_stale_word_on_the_shadow_changes_nothing(role: Role, last: Role, activation: int) -> None:
    """Whether the last word was a shadow or none."""
    live = LiveModel()
    live.swap_shadow(_update(4, 7, last))
    with pytest.raises(BadModel, match="stale"):
        live.swap_shadow(_update(activation, 8, role))
    assert _on(live.shadow) == (None if last == "none" else (4, 7))


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


def test_a_dropped_shadow_does_not_come_back_by_its_own_message() -> None:
    live = LiveModel()
    live.swap_shadow(_update(1, 7, "shadow"))
    live.drop_shadow()
    assert live.shadow is None
    assert live.has_taken(_update(1, 7, "shadow"))
    assert _on(live.swap_shadow(_update(2, 8, "shadow"))) == (2, 8)


roles: st.SearchStrategy[Role] = st.sampled_from(["champion", "shadow", "none"])
histories = st.lists(roles, max_size=12).map(
    lambda given: [_update(i, 100 - i, role) for i, role in enumerate(given, start=1)]
)


@given(history=histories, data=st.data())
def test_whatever_comes_late_again_or_in_another_order_the_end_is_the_same(
    history: list[Update], data: st.DataObject
) -> None:
    """Every message at least once, in any order: the highest activation of each key is what a process ends with."""
    again = data.draw(st.lists(st.sampled_from(history), max_size=12)) if history else []
    live = LiveModel()
    for update in data.draw(st.permutations([*history, *again])):
        before = live.current, live.shadow
        _take(live, update)
        untouched = live.shadow is before[1] if update.key == "champion" else live.current is before[0]
        assert untouched, "a message of one key changed the other"
    for key, served in (("champion", live.current), ("shadow", live.shadow)):
        last = next((update for update in reversed(history) if update.key == key), None)
        model = last.model if last else None
        assert _on(served) == (None if last is None or model is None else (last.activation, model.version))
        assert last is None or live.has_taken(last)


@given(st.lists(st.tuples(st.integers(1, 6), st.sampled_from(["shadow", "none"])), max_size=12))
def test_the_last_word_on_the_shadow_only_rises(given: list[tuple[int, Role]]) -> None:
    """The first of equal activations stands."""
    live, last, wanted = LiveModel(), 0, None
    for version, (activation, role) in enumerate(given, start=1):
        _take(live, _update(activation, version, role))
        if activation > last:
            last, wanted = activation, None if role == "none" else (activation, version)
        assert _on(live.shadow) == wanted


def test_only_the_very_message_that_was_taken_last_is_known() -> None:
    """Not one of another version, nor a shadow where none was the word, nor what is under the other key."""
    live = LiveModel()
    assert not live.has_taken(_update(1, 7))
    assert not live.has_taken(_update(1, 0, "none"))
    live.swap(_update(1, 7))
    assert live.has_taken(_update(1, 7))
    assert not any(live.has_taken(other) for other in (_update(1, 8), _update(2, 7), _update(1, 7, "shadow")))
    live.swap_shadow(_update(2, 0, "none"))
    assert live.has_taken(_update(2, 0, "none"))
    assert not any(live.has_taken(other) for other in (_update(2, 7, "shadow"), _update(1, 0, "none")))


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
