"""The versions of the features in `model-updates`, under a key of their own: signed as models are.

A program that doesn't know them refuses the message, and goes on with what it has.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from relearn.schemas.errors import BadMessage, BadModel, Refused
from relearn.schemas.features import Feature, FeatureSchema, read_kind
from relearn.schemas.model.signatures import Signer, Verifier
from relearn.schemas.model.signed_updates import VERSION, open_envelope, seal
from relearn.schemas.schema_changes import VERSIONS_MAX, SchemaChange, change_fields, changed, read_change
from relearn.schemas.schema_versions import SchemaChain, SchemaVersion

#: The key that the message is compacted by, and the role in its body.
SCHEMA_KEY = b"schema"
ROLE = "schema"


def encode_chain(chain: SchemaChain, namespace: str, published_at: float, signer: Signer) -> bytes:
    """The signed message: the first version in full, and what each later one changes.

    The same chain, time and key give the same bytes.
    """
    first = chain.versions[0]
    later = [
        {"number": after.number, **change_fields(change_between(*pair))}
        for pair in pairwise(chain.versions)
        for after in pair[1:]
    ]
    return seal(
        {
            "v": VERSION,
            "namespace": namespace,
            "role": ROLE,
            "published_at": published_at,
            "base": first.number,
            "features": [list(one) for one in first.schema.features],
            "changes": later,
        },
        signer,
    )


def change_between(before: SchemaVersion, after: SchemaVersion) -> SchemaChange:
    """The change that made `after` of `before`."""
    for feature in after.schema.features:
        if feature.name not in before.schema.known:
            return SchemaChange(feature, after.defaults.get(feature.name))
    gone = [name for name in before.schema.names if name not in after.schema.known]
    return SchemaChange(retire=gone[0]) if gone else SchemaChange()


def decode_chain(value: bytes | None, verifier: Verifier, namespace: str) -> SchemaChain:
    """The versions in one message, checked.

    Raises:
        BadModel: its `reason` is `unreadable`, `checksum`, `signature`, `version`, `namespace` or `shape`.
    """
    fields = open_envelope(value, verifier, namespace)
    if fields.get("role") != ROLE:
        raise BadModel("shape", f"`role` is {str(fields.get('role'))[:60]!r}")
    published_at, changes = fields.get("published_at"), fields.get("changes")
    if not isinstance(published_at, int | float) or not math.isfinite(published_at):
        raise BadModel("shape", f"`published_at` is {str(published_at)[:60]!r}")
    if not isinstance(changes, list) or len(changes) >= VERSIONS_MAX:
        raise BadModel("shape", "`changes` should be a list")
    try:
        versions = [SchemaVersion(_number(fields.get("base"), 0), _features(fields.get("features")), {})]
        for one in changes:
            number = _number(one.get("number") if isinstance(one, Mapping) else None, versions[-1].number)
            versions.append(changed(versions[-1], read_change(one), number))
    except (BadMessage, Refused, TypeError, ValueError) as exc:
        raise BadModel("shape", str(exc)) from exc
    if not all(len(one.schema) and len(one.schema.known) == len(one.schema) for one in versions):
        raise BadModel("shape", "a version without features, or with two of one name")
    return SchemaChain(tuple(versions))


def _number(given: object, above: int) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or given <= above:
        raise ValueError(f"`number` is {str(given)[:60]!r}, after {above}")
    return given


def _features(given: Any) -> FeatureSchema:
    if not isinstance(given, list):
        raise TypeError("`features` should be a list")
    features = []
    for name, kind, missing in given:
        if not isinstance(name, str) or not isinstance(missing, bool) or not isinstance(kind, str):
            raise TypeError("a feature has a name, a kind, and whether it may be missing")
        features.append(Feature(name, read_kind(kind), missing))
    return FeatureSchema(tuple(features))
