"""Ingest messages while features change: records of any version of a chain become rows of its newest one.

A list, packed or not, is a record of the newest version with as many features, or of the one that the message names as
`schema`. A map is read by name: what was retired is ignored and counted, what is absent gets its default.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import numpy as np

from relearn.schemas.errors import BadMessage
from relearn.schemas.features import FeatureSchema, Strings, Value
from relearn.schemas.messages.records import OneTexts, Pairs, RawMessage, RecordsBuilder, Rows
from relearn.schemas.schema_versions import Projection, SchemaChain, SchemaVersion, project

PackRow = Callable[..., bytes]


class OlderRows:
    """Stands for the builder of the newest version where records of one version are added: it projects each.

    `schema` and `width` are those of the records; `ignored` counts the values of retired features.
    """

    def __init__(self, version: SchemaVersion, newest: SchemaVersion) -> None:
        self.schema, self.width = version.schema, len(version.schema)
        self.projection = project(version.schema, newest.schema, newest.defaults)
        self.ignored = 0
        self.strings = self
        #: The builder of the newest version.
        self.target = RecordsBuilder(newest.schema)
        self._retired = len(version.schema.known - newest.schema.known)
        self._row = _picked(self.projection)
        self._strings, self._has_strings = _strings_of(version.schema, newest), bool(newest.schema.strings)

    def add_one(self, message: RawMessage, packed: bytes, texts: OneTexts) -> None:
        """As `RecordsBuilder.add_one`."""
        self.ignored += self._retired
        self.target.add_one(message, self._row(packed), texts)
        if self._has_strings and not self.schema.strings:
            self.target.strings.append(self._strings(()))

    def append(self, strings: Strings) -> None:
        """The strings of the record that was added last."""
        if self._has_strings:
            self.target.strings.append(self._strings(strings))

    def projected(self, rows: Rows) -> Rows:
        """Records of this version as those of the newest."""
        self.ignored += self._retired * len(rows.indexes)
        given = np.frombuffer(rows.packed, dtype="<f8").reshape(-1, self.width)
        strings: Sequence[Strings] = rows.strings or [()] * len(rows.indexes)
        return rows._replace(
            packed=self.projection.rows(given).astype("<f8").tobytes(),
            strings=[self._strings(one) for one in strings] if self._has_strings else (),
        )


class Versions:
    """Reads records of every version of a chain. `ignored` only rises."""

    def __init__(self, chain: SchemaChain) -> None:
        self.chain, self.newest = chain, chain.newest
        self.defaults: Mapping[str, Value] = self.newest.defaults
        every = {name for one in chain.versions for name in one.schema.names}
        self.retired = frozenset(every - self.newest.schema.known)
        self._names_ignored = 0
        #: Kept here by `ingest_fast_path`.
        self.forms: Any = None
        self.older = {one.number: OlderRows(one, self.newest) for one in chain.versions[:-1]}
        #: By the number of features: the newest version that has it.
        self.by_width = {len(one.schema): one for one in chain.versions}

    @property
    def ignored(self) -> int:
        """The number of values of retired features."""
        return self._names_ignored + sum(one.ignored for one in self.older.values())

    def lists(self) -> list[OlderRows]:
        """The versions but the newest that a list can be a record of, latest first."""
        found = [one.number for one in self.by_width.values() if one.number != self.newest.number]
        return [self.older[number] for number in sorted(found, reverse=True)]

    def read(self, message: dict[str, Any], read_message: Callable[[dict[str, Any], FeatureSchema], Rows]) -> Rows:
        """The records of one message, as rows of the newest version. `read_message`: reads those of one version.

        Raises:
            BadMessage: as `read_message` does; and with reason `version`: `schema` is no version of the chain.
        """
        features, n = message.get("features"), message.get("n")
        if n is None and isinstance(features, Mapping | Pairs):
            return read_message({**message, "features": self._by_name(features)}, self.newest.schema)
        names = message.get("names") if n is not None else None
        if isinstance(names, list):
            return read_message(self._many_by_name(message, names), self.newest.schema)
        version = self._version_of(message)
        rows = read_message(message, version.schema)
        return rows if version is self.newest else self.older[version.number].projected(rows)

    def as_newest(self, record: list[Value] | dict[str, Value]) -> list[Value] | dict[str, Value]:
        """A record as one of the newest version; unchanged where it is of no version. Its values aren't checked."""
        if isinstance(record, dict):
            kept = {name: value for name, value in record.items() if name not in self.retired}
            return {**{name: value for name, value in self.defaults.items() if name not in kept}, **kept}
        version = self.by_width.get(len(record), self.newest)
        if version is self.newest:
            return record
        given = dict(zip(version.schema.names, record, strict=True))
        return [given[name] if name in given else self.defaults.get(name) for name in self.newest.schema.names]

    def of_records(self, records: Sequence[list[Value] | dict[str, Value]]) -> SchemaVersion:
        """The version that all of these records are of, which every process reads alike; else the newest."""
        found = {self.by_width.get(len(one)) for one in records}
        version = found.pop() if len(found) == 1 else None
        if version is None or any(isinstance(one, dict) and one.keys() != version.schema.known for one in records):
            return self.newest
        return version

    def _version_of(self, message: Mapping[str, Any]) -> SchemaVersion:
        """The version of records given by position."""
        named = message.get("schema")
        if isinstance(named, int) and not isinstance(named, bool):
            if named not in self.chain.by_number:
                numbers = f"{self.chain.base} to {self.newest.number}"
                raise BadMessage("version", f"`schema` is {str(named)[:20]}; the features have versions {numbers}")
            return self.chain.by_number[named]
        return self.by_width.get(_width(message), self.newest)

    def _by_name(self, given: Any) -> Any:
        """The pairs of a map without retired features, and with the defaults of absent ones."""
        pairs = list(given.items()) if isinstance(given, Mapping) else list(given)
        kept = [pair for pair in pairs if not self._is_retired(pair[0])]
        self._names_ignored += len(pairs) - len(kept)
        known = {name for name, _ in kept if isinstance(name, str)}
        return Pairs([*kept, *(pair for pair in self.defaults.items() if pair[0] not in known)])

    def _many_by_name(self, message: dict[str, Any], names: list[Any]) -> dict[str, Any]:
        """A message of many records without columns of retired features, and with those of absent ones."""
        keep = [column for column, name in enumerate(names) if not self._is_retired(name)]
        known = {name for name in names if isinstance(name, str)}
        absent = [(name, value) for name, value in self.defaults.items() if name not in known]
        n, features = message["n"], message["features"]
        if len(keep) == len(names) and not absent:
            return message
        if isinstance(n, int) and n > 0:
            self._names_ignored += (len(names) - len(keep)) * n
        values = [value for _, value in absent]
        after: Any = features
        if isinstance(features, bytes) and isinstance(n, int) and len(features) == 8 * len(names) * n:
            if not all(isinstance(value, float | None) for value in values):
                raise BadMessage("invalid", "packed features are numbers alone, and the newest version has others")
            matrix = np.frombuffer(features, dtype="<f8").reshape(n, len(names))
            fill = [math.nan if value is None else value for value in values]
            after = np.hstack([matrix[:, keep], np.tile(fill, (n, 1))]).tobytes() if fill else matrix[:, keep].tobytes()
        elif isinstance(features, list):
            fits = len(names)
            after = [
                [*(row[column] for column in keep), *values] if isinstance(row, list) and len(row) == fits else []
                for row in features
            ]
        return {
            **message,
            "names": [*(names[column] for column in keep), *(name for name, _ in absent)],
            "features": after,
        }

    def _is_retired(self, name: object) -> bool:
        return isinstance(name, str) and name in self.retired


def _width(message: Mapping[str, Any]) -> int:
    """The number of values of a record given by position; -1: unknown."""
    features, n = message.get("features"), message.get("n")
    if isinstance(features, bytes):
        rows = n if isinstance(n, int) and n > 0 else 1
        return len(features) // (8 * rows) if len(features) % (8 * rows) == 0 else -1
    if n is not None:
        features = features[0] if isinstance(features, list) and features else None
    return len(features) if isinstance(features, list) else -1


def _picked(projection: Projection) -> Callable[[bytes], bytes]:
    """What makes a packed row of the newest version of a packed row of another one."""
    fill = projection.fill.tolist()
    prefix = projection.columns[: projection.width]
    if len(prefix) == projection.width and (prefix == np.arange(projection.width)).all():
        tail = struct.pack(f"<{len(fill) - projection.width}d", *fill[projection.width :])
        return lambda packed: packed + tail
    unpack, pack = struct.Struct(f"<{projection.width}d").unpack, struct.Struct(f"<{len(fill)}d").pack
    at = [column if column >= 0 else projection.width + i for i, column in enumerate(projection.columns.tolist())]
    pick = itemgetter(*at) if len(at) > 1 else None
    if pick is None:
        return lambda packed: pack((*unpack(packed), *fill)[at[0]])
    return lambda packed: pack(*pick((*unpack(packed), *fill)))


def _strings_of(source: FeatureSchema, newest: SchemaVersion) -> Callable[[Strings], Strings]:
    """What makes the strings of the newest version of those of another one."""
    given = {source.features[i][:2]: j for j, i in enumerate(source.strings)}
    wanted = [newest.schema.features[i] for i in newest.schema.strings]
    at = [(given.get(one[:2]), newest.defaults.get(one.name)) for one in wanted]
    pairs = [(place, default if isinstance(default, str) else None) for place, default in at]
    return lambda strings: [default if place is None else strings[place] for place, default in pairs]
