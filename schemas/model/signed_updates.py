"""The `model-updates` topic's messages: a signed body with the model that answers from now on."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

import msgpack
import msgspec

from relearn.schemas.errors import BadModel
from relearn.schemas.messages.headers import cloud_event, message_bytes
from relearn.schemas.model.linear_svm import Model, model_fields, model_from_fields, unpack_map
from relearn.schemas.model.signatures import Signer, Verifier

VERSION = 1
CE_TYPE = "relearn.model-update.v1"

Key = Literal["champion", "shadow"]
Role = Literal["champion", "shadow", "none"]


@dataclass(frozen=True, slots=True)
class Update:
    """One activation: from now on `model` is the namespace's champion or shadow; role `none` means no shadow.

    `schema`: the version of the features that the model was trained on. `base`: the first version of its chain; None:
    that one. A chain begins when a namespace's features are replaced as a whole.
    """

    namespace: str
    role: Role
    activation: int
    model: Model | None
    job: str | None
    reason: Mapping[str, Any]
    published_at: float
    schema: int = 1
    base: int | None = None

    @property
    def key(self) -> Key:
        """The key that the message is compacted by."""
        return "champion" if self.role == "champion" else "shadow"


class _Envelope(msgspec.Struct):
    """The signed message. Nothing else in it is decoded before the signature is checked."""

    body: bytes
    key_id: str
    signature: bytes
    sha256: bytes | None = None


_envelope = msgspec.msgpack.Decoder(_Envelope)


def encode_update(update: Update, signer: Signer) -> bytes:
    """The signed message. The same update and key give the same bytes."""
    fields = model_fields(update.model) if update.model else {}
    body = {
        "v": VERSION,
        "namespace": update.namespace,
        "role": update.role,
        "activation": update.activation,
        **fields,
        "job": update.job,
        "reason": dict(update.reason),
        "published_at": update.published_at,
        **({"schema": update.schema} if update.schema != 1 else {}),
        **({"base": update.base} if update.base not in {None, update.schema} else {}),
    }
    return seal(body, signer)


def seal(fields: Mapping[str, Any], signer: Signer) -> bytes:
    """The signed message with these fields in its body."""
    body: bytes = msgpack.packb(fields)
    envelope = {
        "body": body,
        "key_id": signer.key_id,
        "signature": signer.sign(body),
        "sha256": hashlib.sha256(body).digest(),
    }
    return bytes(msgpack.packb(envelope))


def update_message_bytes(message: bytes) -> int:
    """Maximum size of an update's message, with key and headers."""
    return message_bytes(message, b"champion", cloud_event(CE_TYPE, 255 * "x", now_s=0.0))


def least_model_bytes(classes: Collection[str], feature_names: Collection[str], columns: int) -> int:
    """Minimum size of the message with a model of these classes and features: its arrays of float64, and the names.

    columns: how many the features are encoded as; of numbers alone as many as there are names.
    """
    rows = 1 if len(classes) == 2 else len(classes)
    names = sum(1 + len(name.encode()) for name in (*classes, *feature_names))
    return 8 * columns * (rows + 2) + names


def decode_update(value: bytes | None, verifier: Verifier, namespace: str) -> Update:
    """The update in one message, checked.

    Raises:
        BadModel: its `reason` is `unreadable`, `checksum`, `signature`, `version`, `namespace` or `shape`.
    """
    fields = open_envelope(value, verifier, namespace)
    role, activation, published_at = _role(fields.get("role")), fields.get("activation"), fields.get("published_at")
    if isinstance(activation, bool) or not isinstance(activation, int) or activation < 1:
        raise BadModel("shape", f"`activation` is {str(activation)[:60]!r}")
    if not isinstance(published_at, int | float) or not math.isfinite(published_at):
        raise BadModel("shape", f"`published_at` is {str(published_at)[:60]!r}")
    schema = fields.get("schema", 1)
    if isinstance(schema, bool) or not isinstance(schema, int) or schema < 1:
        raise BadModel("shape", f"`schema` is {str(schema)[:60]!r}")
    base = fields.get("base")
    if base is not None and (isinstance(base, bool) or not isinstance(base, int) or not 1 <= base <= schema):
        raise BadModel("shape", f"`base` is {str(base)[:60]!r}")
    reason, job = fields.get("reason"), fields.get("job")
    if not isinstance(reason, dict) or not isinstance(job, str | None):
        raise BadModel("shape", "`reason` should be a map and `job` a string")
    model = None if role == "none" else model_from_fields(fields)
    return Update(namespace, role, activation, model, job, reason, float(published_at), schema, base)


def open_envelope(value: bytes | None, verifier: Verifier, namespace: str) -> dict[str, Any]:
    """The fields in the body of a signed message for this namespace.

    Raises:
        BadModel: its `reason` is `unreadable`, `checksum`, `signature`, `version` or `namespace`.
    """
    fields = unpack_map(_open(value, verifier))
    if fields.get("v") != VERSION:
        raise BadModel("version", f"an update of version {fields.get('v')!r}; this reads {VERSION}")
    if fields.get("namespace") != namespace:
        raise BadModel("namespace", f"meant for {str(fields.get('namespace'))[:60]!r}, this is {namespace!r}")
    return fields


def _role(given: object) -> Role:
    for role in get_args(Role):
        if given == role:
            return cast(Role, role)
    raise BadModel("shape", f"`role` is {str(given)[:60]!r}")


def _open(value: bytes | None, verifier: Verifier) -> bytes:
    if not value:
        raise BadModel("unreadable", "the message has no value")
    try:
        envelope = _envelope.decode(value)
    except (ValueError, RecursionError) as exc:
        fault = f"a map of `body`, `key_id` and `signature` is needed: {str(exc)[:200]}"
        raise BadModel("unreadable", fault) from exc
    body = envelope.body
    if envelope.sha256 is not None and envelope.sha256 != hashlib.sha256(body).digest():
        raise BadModel("checksum", "`sha256` isn't that of `body`")
    verifier.verify(body, envelope.key_id, envelope.signature)
    return body
