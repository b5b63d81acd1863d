"""A mapping: which values of a message of another shape are the features, `id`, `subject`, `batch` and `context`. Pure.

The file (TOML; docs/mapping.md has examples):

    id = "order_id"             # a path; a number becomes text; null: none
    context = "note?"           # with a question mark: may be absent
    unwrap = true               # the default: envelopes of Debezium and Kafka Connect are removed before
    [features]
    age = "customer.age"        # feature name = path
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

import msgspec

from relearn.schemas.errors import BadMessage, SettingsError
from relearn.schemas.features import Feature, FeatureSchema, Value
from relearn.schemas.foreign.paths import NotThere, Path, parse_path, path_text, value_at
from relearn.schemas.foreign.values import kind_of
from relearn.schemas.text import text_fault

TEXTS = ("id", "subject", "batch", "context")
#: A text that is a number is written out; a longer one is no id.
_DIGITS_MAX = 64
_NO_DEFAULTS: Mapping[str, Value] = {}


class TextPath(msgspec.Struct, frozen=True):
    """Where a text is. `optional`: a message may lack it."""

    path: Path
    optional: bool = False


class MessageMapping(msgspec.Struct, frozen=True):
    """A mapping as its file has it. `source`: the setting and the path of the file, for people."""

    source: str
    features: Mapping[str, Path]
    texts: Mapping[str, TextPath]
    unwrap: bool = True


def parse_mapping(content: str, source: str) -> MessageMapping:
    """The mapping in a file.

    Raises:
        SettingsError: a line for each fault, which begins with `source`.
    """
    try:
        given = tomllib.loads(content)
    except (tomllib.TOMLDecodeError, RecursionError) as exc:
        raise SettingsError(f"{source}: not TOML: {exc or 'nested too deep'}") from exc
    faults = [f"{name}: unknown; known are features, {', '.join(TEXTS)}, unwrap" for name in given if not _known(name)]
    unwrap = given.get("unwrap", True)
    if not isinstance(unwrap, bool):
        faults.append("unwrap: should be true or false")
    paths: dict[str, Path] = {}
    features = given.get("features")
    if not isinstance(features, dict) or not features:
        faults.append("features: should be a table of feature names with their paths")
    else:
        for name, text in features.items():
            fault = text_fault(name) or ("is empty" if not name else None)
            if fault:
                faults.append(f"features.{name[:60]!r}: its name {fault}")
            _read_path(paths, f"features.{name[:60]}", name, text, faults)
    texts: dict[str, TextPath] = {}
    for name in TEXTS:
        if name in given:
            text = given[name]
            optional = isinstance(text, str) and text.endswith("?")
            found: dict[str, Path] = {}
            _read_path(found, name, name, text[:-1] if optional else text, faults)
            texts |= {name: TextPath(path, optional) for name, path in found.items()}
    if faults:
        raise SettingsError("\n".join(f"{source}: {fault}" for fault in faults))
    return MessageMapping(source, paths, texts, unwrap)


def _known(name: str) -> bool:
    return name in {"features", "unwrap", *TEXTS}


def _read_path(found: dict[str, Path], where: str, name: str, text: Any, faults: list[str]) -> None:
    if not isinstance(text, str):
        faults.append(f"{where}: should be a path in quotes, is {kind_of(text)}")
        return
    try:
        found[name] = parse_path(text)
    except ValueError as exc:
        faults.append(f"{where}: {text[:60]!r} is no path: {exc}")


class MappedTexts(msgspec.Struct, gc=False):
    """The texts of one record."""

    id: str | None = None
    subject: str | None = None
    batch: str | None = None
    context: str | None = None


class FeaturePaths:
    """The paths of a model's features, in the order of `schema`."""

    def __init__(
        self, mapping: MessageMapping, schema: FeatureSchema, defaults: Mapping[str, Value] = _NO_DEFAULTS
    ) -> None:
        """defaults: by name, of the features whose path may be absent, in a message and in the mapping."""
        self._mapping = mapping
        self.schema = schema
        self._defaults = defaults
        self._paths = [mapping.features.get(name, ()) for name in schema.names]
        self._fast = _getter(self._paths) if all(self._paths) else None
        self._texts = list(mapping.texts.items())

    def values(self, record: Any) -> Sequence[Any]:
        """The values of the features. None where a value, or a map on the way to it, is null.

        Raises:
            BadMessage: with reason `mapping`: a path isn't there, of a feature that may not be missing.
        """
        if self._fast is not None:
            try:
                return self._fast(record)
            except (KeyError, TypeError):
                pass  # read again below, with care
        return [self._feature(record, feature, path) for feature, path in self._pairs()]

    def texts(self, record: Any) -> MappedTexts:
        """The texts. A whole number is written out.

        Raises:
            BadMessage: with reason `mapping`: a path isn't there, or has a value that is no text.
        """
        found = MappedTexts()
        for name, where in self._texts:
            try:
                value = value_at(record, where.path)
            except NotThere:
                if where.optional:
                    continue
                value = self._at(record, f"`{name}`", where.path)
            if value is None or type(value) is str:
                setattr(found, name, value)
            elif type(value) is int and abs(value) < 10**_DIGITS_MAX:
                setattr(found, name, str(value))
            else:
                raise self._fault(f"`{name}`", where.path, value, "text")
        return found

    def checked(self, values: Sequence[Any]) -> list[Any]:
        """These values as those of a record: true is 1, and of a category a whole number is written out.

        Raises:
            BadMessage: with reason `mapping`, naming the path and what is there: a value isn't of its feature's kind.
        """
        return [self._value(*pair, value) for pair, value in zip(self._pairs(), values, strict=True)]

    def _pairs(self) -> Iterator[tuple[Feature, Path]]:
        return zip(self.schema.features, self._paths, strict=True)

    def _feature(self, record: Any, feature: Feature, path: Path) -> Any:
        default = self._defaults.get(feature.name)
        if not path:
            return default
        if feature.missing or default is not None:
            try:
                return value_at(record, path)
            except NotThere:
                return default
        return self._at(record, f"feature {feature.name!r}", path)

    def _value(self, feature: Feature, path: Path, value: Any) -> Any:
        if value is None and feature.missing:
            return None
        number = feature.kind == "number"
        if number and isinstance(value, int | float):
            return float(value) if isinstance(value, bool) else value
        if not number and isinstance(value, str):
            return value
        if not number and type(value) is int and abs(value) < 10**_DIGITS_MAX:
            return str(value)
        raise self._fault(f"feature {feature.name!r}", path, value, "number" if number else "text")

    def _at(self, record: Any, what: str, path: Path) -> Any:
        try:
            return value_at(record, path)
        except NotThere as exc:
            missing, whole = str(exc), path_text(path)
            part = "" if missing == whole else f" (no {missing})"
            raise BadMessage("mapping", f"{what}: {whole} isn't in the message{part}") from None

    def _fault(self, what: str, path: Path, value: Any, wanted: str) -> BadMessage:
        return BadMessage("mapping", f"{what}: {path_text(path)} is {kind_of(value)}; it should be a {wanted}")


def check_features(mapping: MessageMapping, feature_names: Sequence[str]) -> tuple[list[str], list[str]]:
    """The features of a model that a mapping lacks, and those that it has beside them."""
    return (
        [name for name in feature_names if name not in mapping.features],
        [name for name in mapping.features if name not in set(feature_names)],
    )


def _getter(paths: Sequence[Path]) -> Callable[[Any], Sequence[Any]] | None:
    """Reads names from maps, the maps that several paths share only once; None where a path has an index."""
    if any(isinstance(step, int) for path in paths for step in path):
        return None
    groups: dict[Path, list[int]] = {}
    for i, path in enumerate(paths):
        groups.setdefault(path[:-1], []).append(i)
    readers = [(parent, _items([str(paths[i][-1]) for i in members])) for parent, members in groups.items()]
    if len(readers) == 1 and not readers[0][0]:
        return readers[0][1]
    order = [i for members in groups.values() for i in members]
    reorder = _items(sorted(range(len(order)), key=order.__getitem__))

    def read(record: Any) -> Sequence[Any]:
        found: list[Any] = []
        for parent, reader in readers:
            here = record
            for step in parent:
                here = here[step]
            found += reader(here)
        return reorder(found)

    return read


def _items(keys: Sequence[Any]) -> Callable[[Any], tuple[Any, ...]]:
    if len(keys) > 1:
        return itemgetter(*keys)
    (only,) = keys
    return lambda found: (found[only],)
