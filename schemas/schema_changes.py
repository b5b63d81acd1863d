"""A change of a namespace's features: one is added, or one is retired. Data of a command, a row, a signed message."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from relearn.schemas.errors import BadMessage, Refused
from relearn.schemas.features import Feature, FeatureSchema, Value, read_kind, value_fault
from relearn.schemas.schema_versions import SchemaChain, SchemaVersion
from relearn.schemas.text import text_fault

#: Maximum number of features after an addition, and of versions in a chain.
FEATURES_MAX = 10_000
VERSIONS_MAX = 1_000
#: Maximum absolute value of a default: training uses no larger number.
LARGEST = 1e140


class SchemaChange(NamedTuple):
    """What makes one version of the version before; neither: nothing but its number.

    add: the new last feature, with `default` where a record is without it (None: it is missing). retire: the name of
    the feature that is gone. reuse_length: lists of as many values may have meant other features before.
    """

    add: Feature | None = None
    default: Value = None
    retire: str | None = None
    reuse_length: bool = False


def change_fields(change: SchemaChange) -> dict[str, Any]:
    """The change, JSON-able."""
    fields: dict[str, Any] = {"reuse_length": True} if change.reuse_length else {}
    if change.add is not None:
        return {"add": change.add._asdict(), "default": change.default, **fields}
    return fields if change.retire is None else {"retire": change.retire, **fields}


def read_change(fields: object) -> SchemaChange:
    """The change in the fields that `change_fields` gives.

    Raises:
        BadMessage: with reason `invalid`: they are no change.
    """
    if not isinstance(fields, Mapping):
        raise BadMessage("invalid", "`change` should be a map")
    reuse, retired, added = fields.get("reuse_length", False), fields.get("retire"), fields.get("add")
    if not isinstance(reuse, bool) or not isinstance(retired, str | None) or not isinstance(added, Mapping | None):
        raise BadMessage("invalid", "`change` has `add`, a map, or `retire`, a name; `reuse_length` is a boolean")
    if added is not None and retired is not None:
        raise BadMessage("invalid", "`change` has both `add` and `retire`")
    if added is None:
        return SchemaChange(retire=retired, reuse_length=reuse)
    name, kind, missing = added.get("name"), added.get("kind"), added.get("missing", False)
    if not isinstance(name, str) or not isinstance(kind, str) or not isinstance(missing, bool):
        raise BadMessage("invalid", "`add` has `name` and `kind`, strings, and `missing`, a boolean")
    feature, default = Feature(name, read_kind(kind), missing), fields.get("default")
    fault = "is empty" if name == "" else text_fault(name)
    if fault:
        raise BadMessage("invalid", f"the feature name {name[:40]!r} {fault}")
    if fault := default_fault(default, feature):
        raise BadMessage("invalid", fault)
    return SchemaChange(feature, float(default) if isinstance(default, int) else default, None, reuse)


def default_fault(default: object, feature: Feature) -> str | None:
    """Why a value can't stand for an absent one; None: it can."""
    fault = value_fault(default, feature)
    if fault is not None:
        return fault if default is not None else f"feature {feature.name[:60]!r} needs a default, or may be missing"
    if isinstance(default, int | float) and not (math.isfinite(default) and abs(default) <= LARGEST):
        return f"feature {feature.name[:60]!r} has a default that training can't use: a finite number up to {LARGEST:g}"
    return None


def changed(version: SchemaVersion, change: SchemaChange, number: int) -> SchemaVersion:
    """The version after a change."""
    features, defaults = version.schema.features, dict(version.defaults)
    if change.add is not None:
        features, defaults[change.add.name] = (*features, change.add), change.default
    elif change.retire is not None:
        features = tuple(one for one in features if one.name != change.retire)
        defaults.pop(change.retire, None)
    return SchemaVersion(number, FeatureSchema(features), defaults)


def check_change(chain: SchemaChain, change: SchemaChange) -> None:
    """Return if the newest version can be changed so.

    Raises:
        Refused: and why not.
    """
    newest = chain.newest.schema
    if len(chain.versions) >= VERSIONS_MAX:
        raise Refused(f"the features had {VERSIONS_MAX} versions: begin again in another namespace")
    if change.add is not None:
        _check_added(chain, change.add)
    elif change.retire not in newest.known:
        raise Refused(f"there is no feature {str(change.retire)[:60]!r} to retire")
    elif len(newest) == 1:
        raise Refused(f"{str(change.retire)[:60]!r} is the last feature, and records can't be without any")
    after = changed(chain.newest, change, chain.newest.number + 1).schema
    if not change.reuse_length and (other := _same_length(chain, after)) is not None:
        raise Refused(
            f"lists of {len(after)} values are records of version {other.number} until now, which had other features: "
            "they would be read as the new ones. Where producers send names, or name the version as `schema`, say "
            "--reuse-length"
        )


def _check_added(chain: SchemaChain, feature: Feature) -> None:
    newest = chain.newest.schema
    if feature.name in newest.known:
        raise Refused(f"there is a feature {feature.name[:60]!r} already")
    if len(newest) >= FEATURES_MAX:
        raise Refused(f"there are {len(newest)} features already; at most {FEATURES_MAX} are possible")
    for version in chain.versions:
        for one in version.schema.features:
            if one.name == feature.name and one.kind != feature.kind:
                raise Refused(
                    f"{feature.name[:60]!r} was a {one.kind} until it was retired: choose another name for a "
                    f"{feature.kind}, since records and models of that time mean the other one"
                )


def _same_length(chain: SchemaChain, after: FeatureSchema) -> SchemaVersion | None:
    """The version by which a list of this length is read now, if its features are others."""
    for version in reversed(chain.versions):
        if len(version.schema) == len(after):
            same = [one[:2] for one in version.schema.features] == [one[:2] for one in after.features]
            return None if same else version
    return None
