"""What a value of another format is called, in the words of a dead letter."""

from __future__ import annotations

from typing import Any


class NoNumber:
    """A value of another format that is neither a number nor a text, such as a date of Avro; `kind` names it."""

    __slots__ = ("kind",)

    def __init__(self, kind: str) -> None:
        self.kind = kind


_KINDS = {
    type(None): "null",
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "a text",
    bytes: "bytes",
    list: "a list",
    dict: "a map",
}


def kind_of(value: Any) -> str:
    """A few words for the type of a value."""
    return value.kind if isinstance(value, NoNumber) else _KINDS.get(type(value), type(value).__name__)
