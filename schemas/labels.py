"""Class labels: one spelling for each label, at every place where a label enters. Pure.

The feedback topic, the HTTP API, CSV files, data sets and examples call `read_label`. Two labels that look alike are
one label, so that a trailing space or a differently composed letter makes neither a correction nor a class.
"""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass, field

from relearn.schemas.errors import BadMessage
from relearn.schemas.text import text_fault

#: Unicode's default-ignorable code points, and blank characters that aren't classed as spaces.
_INVISIBLE = frozenset(
    code
    for first, last in (
        (0x00AD, 0x00AD),
        (0x034F, 0x034F),
        (0x061C, 0x061C),
        (0x115F, 0x1160),
        (0x17B4, 0x17B5),
        (0x180B, 0x180F),
        (0x200B, 0x200F),
        (0x2028, 0x202E),
        (0x2060, 0x206F),
        (0x2800, 0x2800),
        (0x3164, 0x3164),
        (0xFE00, 0xFE0F),
        (0xFEFF, 0xFEFF),
        (0xFFA0, 0xFFA0),
        (0xFFF0, 0xFFFB),
        (0x1BCA0, 0x1BCA3),
        (0x1D173, 0x1D17A),
        (0xE0000, 0xE0FFF),
    )
    for code in range(first, last + 1)
)
_JOINERS = frozenset((0x200C, 0x200D))
_VARIANTS = frozenset((*range(0x180B, 0x180E), 0x180F, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))
#: Canonical combining class of the sign that a joiner follows in the scripts of India.
_VIRAMA = 9
#: Larger integers have more digits than a label may have bytes; Python refuses to write very large ones.
_MAX_BITS = 1024


def read_label(given: object) -> str:
    """The label that a text or a number gives.

    A text stands as it is (`007`, `1E5`), in Unicode's form NFC, without spaces and invisible characters at its ends. A
    number is its shortest text, an integral one without a point and exact at any size: `3` and `3.0` are `"3"`.

    Raises:
        BadMessage: with reason `text`; no class can have this label.
    """
    if isinstance(given, str):
        return _read_text(given)
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise _bad(f"should be a text or a number, is {type(given).__name__}")
    if not math.isfinite(given) if isinstance(given, float) else given.bit_length() > _MAX_BITS:
        raise _bad("isn't a finite number" if isinstance(given, float) else "has too many digits")
    return _read_text(str(int(given)) if int(given) == given else repr(given))


def _read_text(given: str) -> str:
    text = given.strip() if given.isascii() else _trimmed(unicodedata.normalize("NFC", given))
    if not text:
        raise _bad("has nothing visible in it")
    if fault := text_fault(text):
        raise _bad(fault)
    if text.isascii() and text.isprintable():
        return text
    for i, char in enumerate(text):
        if unicodedata.category(char) == "Cc" or (ord(char) in _INVISIBLE and not _is_part_of_script(text, i)):
            raise _bad(f"has an invisible character, U+{ord(char):04X}")
    return text


def _trimmed(text: str) -> str:
    """`text` without spaces and invisible characters at its ends."""
    start, end = 0, len(text)
    while start < end and _is_blank(text[start]):
        start += 1
    while end > start and _is_blank(text[end - 1]):
        end -= 1
    return text[start:end]


def _is_blank(char: str) -> bool:
    return char.isspace() or ord(char) in _INVISIBLE


def _is_part_of_script(text: str, i: int) -> bool:
    """Whether an invisible character changes what is written: joiners in some scripts, variants of signs."""
    code, before = ord(text[i]), text[i - 1]
    category = unicodedata.category(before)
    if code in _JOINERS:
        joins = unicodedata.combining(before) == _VIRAMA or unicodedata.bidirectional(before) == "AL"
        return joins or category in {"So", "Sk"} or ord(before) in _VARIANTS
    return code in _VARIANTS and not before.isascii() and category in {"Lo", "So", "Sk", "Sm", "Po"}


@dataclass(slots=True)
class LabelSpellings:
    """The labels of one load, each with one spelling."""

    _spelled: dict[str, str] = field(default_factory=dict)
    _labels: dict[str, str] = field(default_factory=dict)

    def read(self, given: str) -> str:
        """As `read_label`.

        Raises:
            BadMessage: also if the load has another spelling of this label.
        """
        known = self._labels.get(given)
        if known is not None:
            return known
        label = read_label(given)
        before = self._spelled.setdefault(label, given)
        if before != given:
            raise _bad(f"{given!a} has another spelling here, {before!a}: both are {label!r}; use one of them")
        self._labels[given] = label
        return label


def _bad(fault: str) -> BadMessage:
    return BadMessage("text", f"the label {fault}")
