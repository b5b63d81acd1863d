"""Protobuf: messages of a schema that others wrote, which is given as compiled descriptors. Pure.

A message becomes maps and lists: fields by their names in the schema, symbols of an enum as texts. A field without
presence that isn't in a message has its default, as Protobuf means it; one with presence is null.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from relearn.schemas.errors import BadMessage
from relearn.schemas.foreign.avro_read import Malformed, read_long
from relearn.schemas.foreign.frame import FRAME_BYTES
from relearn.schemas.messages.weight import DECODED_MAX_BYTES
from relearn.schemas.topics import INGEST_MAX_BYTES

#: Of a parsed message, and of each of its fields: a message in a list may take two bytes and has all fields.
_MESSAGE, _FIELD, _LEAST_BYTES = 128, 16, 2
#: Maximum number of values of a message, defaults included.
VALUES_MAX = 200_000
_NESTED_MAX = 32


class ProtobufCodec:
    """Decodes framed messages; the framing names which of the schema's types a message has."""

    def __init__(self, descriptors: bytes, file_name: str) -> None:
        """`descriptors`: a FileDescriptorSet with the file and all that it imports, those first that others import.

        Raises:
            BadMessage: with reason `schema`.
        """
        pool = DescriptorPool()
        try:
            for file in FileDescriptorSet.FromString(descriptors).file:
                pool.AddSerializedFile(file.SerializeToString())
            self._file = pool.FindFileByName(file_name)
        except (DecodeError, TypeError, KeyError, ValueError) as exc:
            raise BadMessage("schema", f"its Protobuf schema can't be read: {str(exc)[:200]}") from exc
        most_fields = max((len(found.fields) for found in _types(self._file)), default=0)
        self._most_bytes = INGEST_MAX_BYTES
        if any(_is_repeated_message(field) for found in _types(self._file) for field in found.fields):
            self._most_bytes = DECODED_MAX_BYTES * _LEAST_BYTES // (_MESSAGE + _FIELD * most_fields)
        self._classes: dict[tuple[int, ...], Any] = {}

    def decode(self, value: bytes) -> Any:
        """The Python objects in a framed message.

        Raises:
            BadMessage: with reason `unreadable` or `too-large`.
        """
        if len(value) > self._most_bytes:
            raise BadMessage("too-large", f"decoded it may take more than {DECODED_MAX_BYTES // 2**20} MiB of memory")
        start, indexes = _indexes(value)
        try:
            message = self._class(indexes).FromString(value[start:])
        except DecodeError as exc:
            raise BadMessage("unreadable", f"not of its Protobuf schema: {str(exc)[:200]}") from exc
        return _Plain().map_of(message)

    def _class(self, indexes: tuple[int, ...]) -> Any:
        """The class of the type at these positions, one for each level of nesting."""
        if indexes not in self._classes:
            types, found = list(self._file.message_types_by_name.values()), None
            for index in indexes:
                if not 0 <= index < len(types):
                    raise BadMessage("unreadable", f"its framing names a type that its schema lacks: {list(indexes)}")
                found = types[index]
                types = list(found.nested_types)
            self._classes[indexes] = GetMessageClass(found)
        return self._classes[indexes]


def _types(file: FileDescriptor) -> Iterator[Descriptor]:
    """All types of a file and of those that it imports, at any depth, each once."""
    left, seen = [file], set()
    while left:
        one = left.pop()
        if one.name in seen:
            continue
        seen.add(one.name)
        left.extend(one.dependencies)
        types = list(one.message_types_by_name.values())
        while types:
            found = types.pop()
            yield found
            types.extend(found.nested_types)


def _is_repeated_message(field: FieldDescriptor) -> bool:
    return bool(field.is_repeated) and field.message_type is not None


def _indexes(value: bytes) -> tuple[int, tuple[int, ...]]:
    """Where the message begins, and the positions of its type: their count, then each; a count of 0 means (0,)."""
    try:
        count, at = read_long(value, FRAME_BYTES)
        if count == 0:
            return at, (0,)
        if not 0 < count <= _NESTED_MAX:
            raise BadMessage("unreadable", f"its framing has {count} positions of a type")
        found = []
        for _ in range(count):
            index, at = read_long(value, at)
            found.append(index)
    except (IndexError, Malformed) as exc:
        raise BadMessage("unreadable", "its framing ends within the positions of a type") from exc
    return at, tuple(found)


class _Plain:
    """Turns one message into maps and lists of at most VALUES_MAX values."""

    def __init__(self) -> None:
        self._left = VALUES_MAX

    def map_of(self, message: Any) -> dict[str, Any]:
        """The fields of a message by name."""
        fields = message.DESCRIPTOR.fields
        self._take(len(fields))
        found: dict[str, Any] = {}
        for field in fields:
            if field.is_repeated:
                found[field.name] = self._many(field, getattr(message, field.name))
            elif field.has_presence and not message.HasField(field.name):
                found[field.name] = None
            else:
                found[field.name] = self._one(field, getattr(message, field.name))
        return found

    def _many(self, field: FieldDescriptor, given: Any) -> Any:
        self._take(len(given))
        kind = field.message_type
        if kind is not None and kind.GetOptions().map_entry:
            of_value = kind.fields_by_name["value"]
            return {str(key): self._one(of_value, given[key]) for key in given}
        return [self._one(field, item) for item in given]

    def _one(self, field: FieldDescriptor, item: Any) -> Any:
        if field.message_type is not None:
            return self.map_of(item)
        if field.enum_type is not None:
            symbol = field.enum_type.values_by_number.get(item)
            return item if symbol is None else symbol.name
        return item

    def _take(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise BadMessage("too-large", f"a message of Protobuf with more than {VALUES_MAX} values")
