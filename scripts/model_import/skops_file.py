"""A skops file, read with an allow-list of ours: all of it is checked before skops reads it, and nothing of it is run.

A skops file is a zip with `schema.json`, a tree of objects with a type each, and arrays as .npy. skops itself trusts
all of scikit-learn; here only what can be converted is allowed. What was checked is packed again, so that skops reads
exactly that.
"""

from __future__ import annotations

import hashlib
import io
import json
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from relearn.schemas.errors import BadFile
from relearn.scripts.model_formats.sklearn_pipeline import require_skops

#: Maximum size of the file, and of all that is packed in it.
FILE_MAX_BYTES = 32 * 1024 * 1024
UNPACKED_MAX_BYTES = 64 * 1024 * 1024
#: Maximum size of `schema.json`, which has room for 120,000 objects, and the number of members and of levels.
SCHEMA_MAX_BYTES = 8 * 1024 * 1024
MEMBERS_MAX = 10_000
DEEPEST = 60

_METHODS = frozenset((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
_ENCRYPTED = 0x1
#: Kinds of numpy's dtypes in arrays: floats, whole numbers, booleans, texts.
_KINDS = "fiubU"

_ESTIMATORS = (
    "sklearn.compose._column_transformer.ColumnTransformer",
    "sklearn.impute._base.MissingIndicator",
    "sklearn.impute._base.SimpleImputer",
    "sklearn.linear_model._logistic.LogisticRegression",
    "sklearn.linear_model._ridge.RidgeClassifier",
    "sklearn.linear_model._stochastic_gradient.SGDClassifier",
    "sklearn.pipeline.Pipeline",
    "sklearn.preprocessing._data.StandardScaler",
    "sklearn.preprocessing._encoders.OneHotEncoder",
    "sklearn.preprocessing._function_transformer.FunctionTransformer",
    "sklearn.preprocessing._label.LabelBinarizer",
    "sklearn.svm._classes.LinearSVC",
)
#: What SGDClassifier keeps of its training.
_LOSSES = (
    "sklearn._loss._loss.CyHalfBinomialLoss",
    "sklearn._loss._loss.CyHalfSquaredError",
    "sklearn._loss._loss.CyHuberLoss",
    "sklearn.linear_model._sgd_fast.EpsilonInsensitive",
    "sklearn.linear_model._sgd_fast.Hinge",
    "sklearn.linear_model._sgd_fast.ModifiedHuber",
    "sklearn.linear_model._sgd_fast.SquaredEpsilonInsensitive",
    "sklearn.linear_model._sgd_fast.SquaredHinge",
)
_NUMBERS = ("float64", "float32", "int64", "int32", "bool", "bool_", "str_")
_TYPES = (*(f"numpy.{one}" for one in _NUMBERS), *(f"builtins.{one}" for one in ("str", "int", "float", "bool")))
#: The types that each loader of skops may make.
ALLOWED: dict[str, frozenset[str]] = {
    "ObjectNode": frozenset(_ESTIMATORS),
    "LossNode": frozenset(_LOSSES),
    "JsonNode": frozenset(("builtins.str",)),
    "DictNode": frozenset(("builtins.dict",)),
    "ListNode": frozenset(("builtins.list",)),
    "TupleNode": frozenset(("builtins.tuple",)),
    "SliceNode": frozenset(("builtins.slice",)),
    "NdArrayNode": frozenset(("numpy.ndarray", *_TYPES)),
    "DTypeNode": frozenset(("numpy.dtype",)),
    "TypeNode": frozenset(_TYPES),
}
ALLOWED["CachedNode"] = frozenset().union(*ALLOWED.values())

_DETAILS = (
    "only LinearSVC, LogisticRegression, SGDClassifier and RidgeClassifier can be imported, alone or after"
    " StandardScaler, OneHotEncoder and SimpleImputer in a Pipeline or ColumnTransformer"
)


class SkopsFile(NamedTuple):
    """The object in a file; `sha256` of the file, in hex; its size."""

    content: Any
    sha256: str
    size_bytes: int


def read_skops(path: Path) -> SkopsFile:
    """The object in a skops file of allowed types. No method of it was called.

    Raises:
        BadFile: the file can't be read, is too large, or has something else in it.
        SetupError: skops isn't installed.
    """
    skops, name = require_skops(), str(path)
    try:
        with path.open("rb") as file:
            given = file.read(FILE_MAX_BYTES + 1)
    except OSError as exc:
        raise BadFile(name, exc.strerror or "can't be read") from exc
    if len(given) > FILE_MAX_BYTES:
        raise BadFile(name, f"is larger than {FILE_MAX_BYTES:,} bytes")
    members = _members(name, given)
    _check_tree(name, members)
    try:
        with warnings.catch_warnings():
            # Of another version of scikit-learn: what is read is checked as data, whatever the version.
            warnings.simplefilter("ignore")
            content = skops.loads(_packed(members), trusted=["numpy.dtype"])
    except (Exception, MemoryError) as exc:
        raise BadFile(name, f"skops can't read it: {_line(exc)}") from exc
    return SkopsFile(content, hashlib.sha256(given).hexdigest(), len(given))


def _members(name: str, given: bytes) -> dict[str, bytes]:
    """The unpacked members of the zip, after a look at the sizes that it declares, which zipfile holds to."""
    try:
        with zipfile.ZipFile(io.BytesIO(given)) as packed:
            infos = packed.infolist()
            _check_sizes(name, infos)
            members = {one.filename: packed.read(one) for one in infos}
    except BadFile:
        raise
    except (Exception, MemoryError) as exc:  # of zipfile, zlib, struct: a broken stream raises many
        raise BadFile(name, f"isn't a whole skops file: {_line(exc)}") from exc
    if "schema.json" not in members:
        raise BadFile(name, "isn't a skops file: it has no schema.json")
    return members


def _check_sizes(name: str, infos: list[zipfile.ZipInfo]) -> None:
    if len(infos) > MEMBERS_MAX or len({one.filename for one in infos}) != len(infos):
        raise BadFile(name, f"has the same member twice, or more than {MEMBERS_MAX:,}")
    total = sum(one.file_size for one in infos)
    if total > UNPACKED_MAX_BYTES:
        raise BadFile(name, f"would unpack to {total:,} bytes; {UNPACKED_MAX_BYTES:,} are allowed")
    for one in infos:
        if one.filename == "schema.json" and one.file_size > SCHEMA_MAX_BYTES:
            raise BadFile(name, f"its schema.json has {one.file_size:,} bytes; {SCHEMA_MAX_BYTES:,} are allowed")
        if one.compress_type not in _METHODS or one.flag_bits & _ENCRYPTED:
            raise BadFile(name, "is encrypted, or compressed by another method than deflate")


def _check_tree(name: str, members: dict[str, bytes]) -> None:
    """Return if all objects have an allowed type, and all arrays are of numbers or texts and have the declared size."""
    try:
        tree = json.loads(members["schema.json"])
    except (ValueError, RecursionError) as exc:
        raise BadFile(name, f"its schema.json isn't JSON: {_line(exc)}") from exc
    if not isinstance(tree, dict) or "__loader__" not in tree:
        raise BadFile(name, "its schema.json isn't a tree of objects")
    for node in _nodes(name, tree):
        _check_node(name, node, members)


def _nodes(name: str, tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every map that skops could take for an object."""
    pending: list[tuple[Any, int]] = [(tree, 0)]
    while pending:
        one, depth = pending.pop()
        if depth > DEEPEST:
            raise BadFile(name, "is nested too deep")
        if isinstance(one, dict):
            if not one.keys().isdisjoint(("__loader__", "__class__", "__module__", "__reduce__")):
                yield one
            pending += [(inner, depth + 1) for inner in one.values() if isinstance(inner, dict | list)]
        else:
            pending += [(inner, depth + 1) for inner in one if isinstance(inner, dict | list)]


def _check_node(name: str, node: dict[str, Any], members: dict[str, bytes]) -> None:
    loader, type_name = node.get("__loader__"), f"{node.get('__module__')}.{node.get('__class__')}"
    allowed = ALLOWED.get(loader) if isinstance(loader, str) else None
    if allowed is None or type_name not in allowed:
        what = type_name if isinstance(loader, str) and loader in ALLOWED else f"{type_name} ({str(loader)[:60]})"
        raise BadFile(name, f"has an object of type {what[:200]}: {_DETAILS}")
    if loader == "NdArrayNode" and node.get("type") != "json":
        _check_array(name, node.get("file"), members)
    if loader == "SliceNode":
        ends = node.get("content")
        if not isinstance(ends, dict) or not all(type(one) in (int, str, type(None)) for one in ends.values()):
            raise BadFile(name, "has a slice that is none")


def _check_array(name: str, member: Any, members: dict[str, bytes]) -> None:
    if not isinstance(member, str) or member not in members:
        raise BadFile(name, f"lacks the array {str(member)[:60]!r}")
    file = io.BytesIO(members[member])
    try:
        version = np.lib.format.read_magic(file)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, _, dtype = read(file)
    except (Exception, MemoryError) as exc:
        raise BadFile(name, f"has an array without a header that can be read: {_line(exc)}") from exc
    if dtype.kind not in _KINDS or dtype.hasobject or dtype.fields is not None:
        raise BadFile(name, f"has an array of {dtype}; arrays of numbers and texts are allowed")
    size = dtype.itemsize
    for one in shape:
        size *= one
    if any(one < 0 for one in shape) or size != len(members[member]) - file.tell():
        raise BadFile(name, f"has an array that is declared as {shape} of {dtype}, which isn't its size")


def _packed(members: dict[str, bytes]) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as packed:
        for member, content in members.items():
            packed.writestr(zipfile.ZipInfo(member), content)
    return whole.getvalue()


def _line(exc: BaseException) -> str:
    """An error in one line."""
    return " ".join(str(exc).split())[:200] or type(exc).__name__
