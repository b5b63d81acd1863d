"""Swapping: what each message of the feed does to champion and shadow, and what is refused and said."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from relearn.agents.models.live import LiveModel, Served
from relearn.agents.models.swapper import Swapper, is_new
from relearn.schemas.errors import BadModel
from relearn.schemas.model.signatures import Signer, Verifier, key_id_of
from relearn.schemas.model.signed_updates import Role, Update, encode_update
from tests.support.data.models import a_model

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SIGNER = Signer(key_id_of(KEY.public_key()), KEY)


def message(role: Role, activation: int, version: int = 0, d: int = 4, schema: int = 1) -> bytes:
    model = None if role == "none" else a_model(version, d=d, seed=version)
    return encode_update(Update("relearn", role, activation, model, None, {}, 0.0, schema), SIGNER)


def broken(role: Role, activation: int) -> bytes:
    """Signed all right, but what it holds is no model."""
    update = Update("relearn", role, activation, replace(a_model(), metrics={"v": 2}), None, {}, 0.0)
    object.__setattr__(update.model, "classes", ("0",))
    return encode_update(update, SIGNER)


class Process:
    """As much of a process as the feed talks to."""

    def __init__(self) -> None:
        self.live = LiveModel()
        self.swapper = Swapper(self.live, Verifier({SIGNER.key_id: KEY.public_key()}), "relearn")

    def take(self, *values: bytes | None) -> list[dict[str, Any]]:
        """The log lines about these messages, debug lines left out."""
        with capture_logs() as said:
            for value in values:
                self.swapper.apply(value)
        return [dict(line) for line in said if line["log_level"] != "debug"]

    def on(self) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
        """(activation, version) of the champion and of the shadow."""
        return _on(self.live.current), _on(self.live.shadow)


def _on(served: Served | None) -> tuple[int, int] | None:
    return None if served is None else (served.activation, served.model.version)


def events(said: list[dict[str, Any]]) -> list[str]:
    return [line["event"] for line in said]


def test_a_shadow_comes_and_goes_beside_the_champion() -> None:
    process = Process()
    assert events(process.take(message("champion", 1, 1))) == ["model_swapped"]
    (begun,) = process.take(message("shadow", 2, 2))
    assert (begun["event"], begun["version"], begun["activation"]) == ("shadow_begun", 2, 2)
    assert process.on() == ((1, 1), (2, 2))
    (ended,) = process.take(message("none", 3))
    assert (ended["event"], ended["version"], ended["activation"]) == ("shadow_ended", 2, 3)
    assert process.on() == ((1, 1), None)
    assert process.swapper.refused == {}


def test_a_shadow_that_becomes_champion_is_ended_by_none_in_either_order() -> None:
    """The two messages stand under two keys, so a process may see them in any order."""
    promoted, none = message("champion", 3, 2), message("none", 4)
    for order in ([promoted, none], [none, promoted]):
        process = Process()
        process.take(message("champion", 1, 1), message("shadow", 2, 2), *order)
        assert process.on() == ((3, 2), None)
        assert process.swapper.refused == {}


def test_a_topic_that_ends_with_none_says_nothing_about_shadows() -> None:
    process = Process()
    assert events(process.take(message("champion", 1, 1), message("none", 3))) == ["model_swapped"]
    assert events(process.take(message("shadow", 2, 2))) == ["model_refused"]
    assert process.on() == ((1, 1), None)


@pytest.mark.parametrize("value", [message("champion", 1, 1), message("shadow", 2, 2), message("none", 2)])
def test_the_same_message_again_is_nothing_new(value: bytes) -> None:
    process = Process()
    assert process.swapper.apply(value)
    before = process.on()
    assert not process.swapper.apply(value)
    assert process.take(value) == []
    assert process.on() == before
    assert process.swapper.refused == {}


HOSTILE: dict[str, tuple[Callable[[], bytes | None], str]] = {
    "other features": (lambda: message("shadow", 9, 3, d=5), "shape"),
    "no model": (lambda: broken("shadow", 9), "shape"),
    "stale": (lambda: message("shadow", 1, 3), "stale"),
    "a stale none": (lambda: message("none", 2), "stale"),
    "another version under the same activation": (lambda: message("shadow", 2, 3), "stale"),
    "a forged one": (lambda: message("shadow", 9, 3)[:-1] + b"?", "checksum"),
}


@pytest.mark.parametrize(("value", "reason"), HOSTILE.values(), ids=HOSTILE)
def test_a_shadow_that_cannot_be_used_leaves_both_models_alone(value: Callable[[], bytes | None], reason: str) -> None:
    process = Process()
    process.take(message("champion", 1, 1), message("shadow", 2, 2))
    assert events(process.take(value())) == ["model_refused"]
    assert process.on() == ((1, 1), (2, 2))
    assert process.swapper.refused == {reason: 1}


def test_a_shadow_may_come_before_any_champion() -> None:
    process = Process()
    assert events(process.take(message("shadow", 2, 2))) == ["shadow_begun"]
    assert events(process.take(message("champion", 1, 1))) == ["model_swapped"]
    assert process.on() == ((1, 1), (2, 2))


def test_a_shadow_that_came_first_is_dropped_if_the_champion_has_other_features() -> None:
    """With a warning; its message read again changes nothing, the next shadow is welcome."""
    process = Process()
    odd = message("shadow", 2, 2, d=5)
    said = process.take(odd, message("champion", 1, 1))
    assert [(line["event"], line["log_level"]) for line in said] == [
        ("shadow_begun", "info"),
        ("model_swapped", "info"),
        ("shadow_dropped", "warning"),
    ]
    assert process.on() == ((1, 1), None)
    assert process.take(odd) == []
    process.take(message("shadow", 3, 3))
    assert process.on() == ((1, 1), (3, 3))
    assert process.swapper.refused == {"shape": 1}


def test_a_champion_with_later_features_replaces_the_earlier_and_their_shadow() -> None:
    """After a namespace's features were replaced; never the other way, and no shadow does."""
    process = Process()
    process.take(message("champion", 1, 1), message("shadow", 2, 2))
    refused = message("champion", 3, 3, d=5), message("shadow", 3, 3, d=5, schema=2)
    assert events(process.take(*refused)) == ["model_refused", "model_refused"]
    assert events(process.take(message("champion", 4, 4, d=5, schema=2))) == ["model_swapped", "shadow_dropped"]
    assert process.on() == ((4, 4), None)
    assert events(process.take(message("champion", 5, 1))) == ["model_refused"]
    assert process.on() == ((4, 4), None)


def test_a_late_message_is_stale_whatever_its_features() -> None:
    """A champion of the features that were replaced, after the one of the new ones: late, and not malformed."""
    process = Process()
    process.take(message("champion", 1, 1), message("champion", 4, 4, d=5, schema=2), message("shadow", 5, 5, d=5))
    assert events(process.take(message("champion", 3, 3), message("shadow", 2, 2))) == ["model_refused"] * 2
    assert process.on() == ((4, 4), (5, 5))
    assert process.swapper.refused == {"stale": 2}


def _update(activation: int, version: int, role: Role = "champion") -> Update:
    return Update("relearn", role, activation, None if role == "none" else a_model(version), None, {}, 0.0)


def _take(live: LiveModel, update: Update) -> None:
    """As a process takes what the topic holds: what is refused changes nothing."""
    with suppress(BadModel):
        if is_new(live, update):
            live.swap(update) if update.key == "champion" else live.swap_shadow(update)


@pytest.mark.parametrize("activation", [1, 2])
def test_a_stale_activation_changes_nothing(activation: int) -> None:
    live = LiveModel()
    live.swap(_update(2, 7))
    with pytest.raises(BadModel, match="stale"):
        is_new(live, _update(activation, 8))
    _take(live, _update(activation, 8))
    assert live.current is not None
    assert live.current.model.version == 7


@pytest.mark.parametrize("role", ["shadow", "none"])
@pytest.mark.parametrize("last", ["shadow", "none"])
@pytest.mark.parametrize("activation", [3, 4])
def test_a_stale_word_on_the_shadow_changes_nothing(role: Role, last: Role, activation: int) -> None:
    """Whether the last word was a shadow or none."""
    live = LiveModel()
    live.swap_shadow(_update(4, 7, last))
    with suppress(BadModel):
        assert not is_new(live, _update(activation, 8, role)), "only `none` after `none` is the same message"
    _take(live, _update(activation, 8, role))
    assert _on(live.shadow) == (None if last == "none" else (4, 7))


def test_a_dropped_shadow_does_not_come_back_by_its_own_message() -> None:
    live = LiveModel()
    live.swap_shadow(_update(1, 7, "shadow"))
    live.drop_shadow()
    assert live.shadow is None
    assert not is_new(live, _update(1, 7, "shadow"))
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
        assert last is None or not is_new(live, last)


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
    assert is_new(live, _update(1, 7))
    assert is_new(live, _update(1, 0, "none"))
    live.swap(_update(1, 7))
    assert not is_new(live, _update(1, 7))
    assert is_new(live, _update(2, 7))
    assert is_new(live, _update(1, 7, "shadow"))
    with pytest.raises(BadModel, match="stale"):
        is_new(live, _update(1, 8))
    live.swap_shadow(_update(2, 0, "none"))
    assert not is_new(live, _update(2, 0, "none"))
    for other in (_update(2, 7, "shadow"), _update(1, 0, "none")):
        with pytest.raises(BadModel, match="stale"):
            is_new(live, other)
