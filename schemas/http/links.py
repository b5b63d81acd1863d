"""What to ask next: parts of one operation's answer that are another's parameters. Links of the OpenAPI document."""

from __future__ import annotations

from typing import NamedTuple


class Link(NamedTuple):
    """To which operation, and which of its parameters stands where in the answer (a JSON pointer)."""

    to: str
    parameter: str
    pointer: str


LINKS: dict[str, tuple[Link, ...]] = {}
