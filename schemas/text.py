"""Checks of strings in messages: UTF-8, without NUL, up to a maximum size in bytes. Names for people to read."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from relearn.schemas.errors import BadMessage

MAX_TEXT_BYTES = 256
MAX_CONTEXT_BYTES = 2048


def text_fault(value: object, limit_bytes: int = MAX_TEXT_BYTES) -> str | None:
    """The fault of `value` as a text of a message, or None. A `value` of None has no fault: the text is absent."""
    if value is None:
        return None
    if not isinstance(value, str):
        return f"should be a string, is {type(value).__name__}"
    if "\0" in value:
        return "has a NUL character"
    try:
        size_bytes = len(value) if value.isascii() else len(value.encode())
    except UnicodeEncodeError:
        return "has a lone surrogate, which UTF-8 can't write"
    if size_bytes > limit_bytes:
        return f"is {size_bytes} bytes long; {limit_bytes} are allowed"
    return None


def check_text(value: str | None, name: str, limit_bytes: int = MAX_TEXT_BYTES) -> str | None:
    """`value` itself.

    Raises:
        BadMessage: with reason `text`.
    """
    fault = text_fault(value, limit_bytes)
    if fault:
        raise BadMessage("text", f"{name} {fault}")
    return value


def first_few(names: Sequence[str], most: int = 3, show: Callable[[str], str] = str) -> str:
    """Up to `most` names, and the number of the others: a, b, c and 4 more."""
    rest = len(names) - most
    return ", ".join(map(show, names[:most])) + (f" and {rest} more" if rest > 0 else "")
