"""A message's value before it is decoded: JSON or MessagePack, and the memory that decoding would take. Pure.

Decoded, one byte of MessagePack can take 72 bytes of memory (an empty list), and an array may claim items that its
message doesn't have. A large message is weighed first; one that is too heavy is rejected as a whole.
"""

from __future__ import annotations

import re

import msgspec

from relearn.schemas.errors import BadMessage

#: Maximum memory of a decoded message in bytes, beside the message itself.
DECODED_MAX_BYTES = 40 * 1024 * 1024
#: Smaller messages are decoded unweighed: they take at most 72 times this.
WEIGHED_FROM_BYTES = 256 * 1024

#: The first byte of a value that is JSON, so that people can type one. Any other value is MessagePack.
JSON_FIRST_BYTE = ord("{")
#: The first byte of a schema registry's framing, before the schema's id in 4 bytes. It is no map in MessagePack.
FRAMED_FIRST_BYTE = 0

_REFERENCE, _NUMBER, _TEXT, _CONTAINER, _PAIR = 8, 32, 57, 72, 72
_JSON_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)

_structure = msgspec.msgpack.Decoder(msgspec.Raw)

# By first byte of a MessagePack item: its size without variable payload, its memory, bytes of its length field, and
# whether that length counts bytes of payload.
_SIZE = [1] * 256
_MEMORY = [_NUMBER] * 256
_LENGTH_BYTES = [0] * 256
_PAYLOAD = [False] * 256
for _first in range(0x80, 0xA0):  # fixmap, fixarray
    _MEMORY[_first] = _CONTAINER + (_PAIR * (_first & 0x0F) if _first < 0x90 else 0)
for _first in range(0xA0, 0xC0):  # fixstr
    _SIZE[_first], _MEMORY[_first] = 1 + (_first & 0x1F), _TEXT + (_first & 0x1F)
for _first in (0xC0, 0xC2, 0xC3):
    _MEMORY[_first] = _REFERENCE
for _first, _bytes in (
    (0xCA, 4),
    (0xCB, 8),
    (0xCC, 1),
    (0xCD, 2),
    (0xCE, 4),
    (0xCF, 8),
    (0xD0, 1),
    (0xD1, 2),
    (0xD2, 4),
    (0xD3, 8),
):
    _SIZE[_first] = 1 + _bytes
for _first, _bytes in ((0xD4, 2), (0xD5, 3), (0xD6, 5), (0xD7, 9), (0xD8, 17)):  # fixext
    _SIZE[_first], _MEMORY[_first] = 1 + _bytes, 2 * _CONTAINER
for _first, _bytes in (
    (0xC4, 1),
    (0xC5, 2),
    (0xC6, 4),
    (0xD9, 1),
    (0xDA, 2),
    (0xDB, 4),
    (0xC7, 1),
    (0xC8, 2),
    (0xC9, 4),
):
    _SIZE[_first], _LENGTH_BYTES[_first], _PAYLOAD[_first], _MEMORY[_first] = 1 + _bytes, _bytes, True, _TEXT
for _first in (0xC7, 0xC8, 0xC9):  # ext: a byte for its type, and two objects
    _SIZE[_first], _MEMORY[_first] = _SIZE[_first] + 1, 2 * _CONTAINER
for _first, _bytes in ((0xDC, 2), (0xDD, 4), (0xDE, 2), (0xDF, 4)):
    _SIZE[_first], _LENGTH_BYTES[_first], _MEMORY[_first] = 1 + _bytes, _bytes, _CONTAINER


def is_json(value: bytes) -> bool:
    """Whether a message's value is JSON; else it is MessagePack."""
    return bool(value) and value[0] == JSON_FIRST_BYTE


def check_weight(value: bytes) -> None:
    """Return if decoding `value`, MessagePack or JSON, takes linear time and at most about DECODED_MAX_BYTES of memory.

    Raises:
        BadMessage: with reason `unreadable` (MessagePack that isn't complete, or is nested too deep) or `too-large`.
    """
    limit_bytes = DECODED_MAX_BYTES
    weight = _json_weight(value, limit_bytes) if is_json(value) else _msgpack_weight(value, limit_bytes)
    if weight > limit_bytes:
        raise BadMessage("too-large", f"decoded it takes more than {limit_bytes // 2**20} MiB of memory")


def check_complete(value: bytes) -> None:
    """Return if `value` is one complete MessagePack item, with all items that its arrays and maps claim.

    Raises:
        BadMessage: with reason `unreadable`.
    """
    try:
        _structure.decode(value)
    except (ValueError, RecursionError) as exc:
        raise BadMessage("unreadable", f"not MessagePack: {str(exc)[:200]}") from exc


def _msgpack_weight(value: bytes, limit_bytes: int) -> int:
    check_complete(value)
    position, weight, end = 0, 0, len(value)
    size, memory, length_bytes = _SIZE, _MEMORY, _LENGTH_BYTES
    while position < end and weight <= limit_bytes:
        first = value[position]
        weight += memory[first]
        if length_bytes[first]:
            field = position + 1
            count = int.from_bytes(value[field : field + length_bytes[first]], "big")
            if _PAYLOAD[first]:
                position += count
                weight += count
            elif first >= 0xDE:
                weight += _PAIR * count
        position += size[first]
    return weight


def _json_weight(value: bytes, limit_bytes: int) -> int:
    """Items outside of strings are counted by their separators; strings are visited one by one only if that is much."""
    items, containers = value.count(b","), value.count(b"[") + value.count(b"{")
    pairs, position = value.count(b":"), 0
    texts = 0
    while (weight := _NUMBER * items + _CONTAINER * containers + _PAIR * pairs + texts) > limit_bytes:
        opened = value.find(b'"', position)
        found = _JSON_STRING.match(value, opened) if opened >= 0 else None
        if found is None or texts > limit_bytes:
            break
        start, position = found.span()
        items -= value.count(b",", start, position)
        containers -= value.count(b"[", start, position) + value.count(b"{", start, position)
        pairs -= value.count(b":", start, position)
        texts += _TEXT + position - start
    return weight
