"""Model updates: signed data, never code; anything that isn't right is refused with its reason."""

from __future__ import annotations

import hashlib
from typing import Any

import msgpack
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from relearn.schemas.errors import BadModel
from relearn.schemas.model.linear_svm import Model, decode_model, encode_model
from relearn.schemas.model.signatures import Signer, Verifier, key_id_of
from relearn.schemas.model.signed_updates import (
    Update,
    decode_update,
    encode_update,
    least_model_bytes,
    update_message_bytes,
)

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SIGNER = Signer(key_id_of(KEY.public_key()), KEY)
VERIFIER = Verifier({SIGNER.key_id: KEY.public_key()})


def a_model(classes: tuple[str, ...] = ("0", "1", "2"), d: int = 2) -> Model:
    rows = 1 if len(classes) == 2 else len(classes)
    weights = np.arange(rows * d, dtype=np.float64).reshape(rows, d)
    names = tuple(f"x{i}" for i in range(d))
    return Model(3, classes, names, weights, np.zeros(rows), np.zeros(d), np.ones(d), metrics={"accuracy": 0.9})


def an_update(**changes: Any) -> Update:
    fields = {
        "namespace": "relearn",
        "role": "champion",
        "activation": 4,
        "model": a_model(),
        "job": "j",
        "reason": {"trigger": "bootstrap"},
        "published_at": 1.5,
    }
    return Update(**{**fields, **changes})


@pytest.mark.parametrize("classes", [("no", "yes"), ("0", "1", "2")])
def test_an_update_is_read_as_it_was_signed(classes: tuple[str, ...]) -> None:
    update = an_update(model=a_model(classes))
    read = decode_update(encode_update(update, SIGNER), VERIFIER, "relearn")
    assert read.model is not None
    assert encode_model(read.model) == encode_model(a_model(classes))
    assert (read.activation, read.job, read.reason) == (4, "j", {"trigger": "bootstrap"})


def test_a_stored_model_is_read_as_it_was_written() -> None:
    body = encode_model(a_model())
    assert encode_model(decode_model(body)) == body


def _reason(value: bytes | None, namespace: str = "relearn") -> str:
    with pytest.raises(BadModel) as caught:
        decode_update(value, VERIFIER, namespace)
    return caught.value.reason


def test_an_update_of_another_namespace_is_refused() -> None:
    assert _reason(encode_update(an_update(), SIGNER), "elsewhere") == "namespace"


def test_a_key_that_is_not_trusted_is_refused() -> None:
    stranger = Ed25519PrivateKey.generate()
    assert _reason(encode_update(an_update(), Signer(key_id_of(stranger.public_key()), stranger))) == "signature"
    assert _reason(encode_update(an_update(), Signer(SIGNER.key_id, stranger))) == "signature"


def test_a_body_changed_after_it_was_signed_is_refused() -> None:
    envelope = msgpack.unpackb(encode_update(an_update(), SIGNER))
    envelope["body"] = envelope["body"].replace(b"champion", b"CHAMPION")
    assert _reason(msgpack.packb(envelope)) == "checksum"
    assert _reason(msgpack.packb({**envelope, "sha256": hashlib.sha256(envelope["body"]).digest()})) == "signature"


def _signed(**changes: Any) -> bytes:
    fields = msgpack.unpackb(msgpack.unpackb(encode_update(an_update(), SIGNER))["body"])
    body = msgpack.packb({key: value for key, value in {**fields, **changes}.items() if value != "gone"})
    return bytes(msgpack.packb({"body": body, "key_id": SIGNER.key_id, "signature": SIGNER.sign(body)}))


def test_the_checksum_beside_the_signature_is_optional() -> None:
    assert decode_update(_signed(), VERIFIER, "relearn").activation == 4


_NUMBER = {"kind": "number", "missing": False, "imputed": 0.0, "indicator": False}
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "another version": ({"v": 2}, "version"),
    "weights of another shape": ({"weights": b"\0" * 8}, "shape"),
    "weights that aren't finite": ({"weights": np.full((3, 2), np.nan).tobytes()}, "shape"),
    "no weights": ({"weights": "gone"}, "shape"),
    "one class": ({"classes": ["0"]}, "shape"),
    "a class twice": ({"classes": ["0", "0", "1"]}, "shape"),
    "a feature twice": ({"feature_names": ["x", "x"]}, "shape"),
    "no features": ({"feature_names": []}, "shape"),
    "a role that there isn't": ({"role": "king"}, "shape"),
    "activation zero": ({"activation": 0}, "shape"),
    "activation true": ({"activation": True}, "shape"),
    "a time that isn't one": ({"published_at": float("nan")}, "shape"),
    "a reason of another type": ({"reason": "because"}, "shape"),
    "an encoder that is no list": ({"encoder": {}}, "shape"),
    "an encoder of fewer features": ({"encoder": [_NUMBER]}, "shape"),
    "an encoder of other columns": (
        {"encoder": [_NUMBER, {"kind": "category", "missing": False, "levels": ["a"]}]},
        "shape",
    ),
    "an imputed value that isn't finite": ({"encoder": [{**_NUMBER, "imputed": float("nan")}, _NUMBER]}, "shape"),
    "a feature of another kind": ({"encoder": [_NUMBER, {**_NUMBER, "kind": "picture"}]}, "shape"),
    "a level twice": ({"encoder": [{"kind": "category", "levels": ["a", "a"]}, _NUMBER]}, "shape"),
    "levels that are no strings": ({"encoder": [{"kind": "category", "levels": [1]}, _NUMBER]}, "shape"),
    "a million levels": (
        {"encoder": [{"kind": "category", "levels": list(map(str, range(9_999)))}, _NUMBER]},
        "shape",
    ),
}


@pytest.mark.parametrize(("changes", "reason"), WRONG.values(), ids=WRONG)
def test_a_signed_body_that_cannot_be_a_model_is_refused(changes: dict[str, Any], reason: str) -> None:
    assert _reason(_signed(**changes)) == reason


def test_no_shadow_is_an_update_without_a_model() -> None:
    read = decode_update(encode_update(an_update(role="none", model=None), SIGNER), VERIFIER, "relearn")
    assert (read.role, read.key, read.model) == ("none", "shadow", None)


@given(st.binary(max_size=200))
def test_random_bytes_are_refused(value: bytes) -> None:
    assert _reason(value) in {"unreadable", "shape"}


def test_a_tombstone_is_refused() -> None:
    assert _reason(None) == "unreadable"


def test_the_same_update_gives_the_same_bytes() -> None:
    assert encode_update(an_update(), SIGNER) == encode_update(an_update(), SIGNER)


@pytest.mark.parametrize("classes", [("no", "yes"), ("0", "1", "2"), tuple(f"é{i:0200}" for i in range(100))])
@pytest.mark.parametrize("d", [2, 1_000])
def test_the_least_size_of_a_model_is_near_and_never_above_its_size(classes: tuple[str, ...], d: int) -> None:
    """A training that can't be published is refused before it is fitted, and none that could be."""
    model = a_model(classes, d)
    size = len(encode_update(an_update(model=model), SIGNER))
    assert least_model_bytes(model.classes, model.feature_names, d) <= size
    assert size - least_model_bytes(model.classes, model.feature_names, d) < 1_500 + 8 * len(classes) + 3 * d
    assert size < update_message_bytes(encode_update(an_update(model=model), SIGNER))
