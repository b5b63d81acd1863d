"""Paths: where a value is in a message of maps and lists. `customer.age`, `readings[3]`, `"a name. with dots".x`.

A path is names between dots, each with any number of list indexes in brackets. A name with a dot, a bracket, a quote
or a space is quoted, by double or single quotes; there are no escapes. Indexes count from 0.
"""

from __future__ import annotations

import re
from typing import Any

Step = str | int
Path = tuple[Step, ...]

PATH_MAX_BYTES = 1024
STEPS_MAX = 32
_NAME = re.compile(r""" "([^"]+)" | '([^']+)' | ([^.\[\]"'\s]+) """, re.VERBOSE)
_INDEX = re.compile(r"\[(\d{1,7})\]")
_ABSENT = object()


class NotThere(Exception):
    """A message has nothing at a path; `str()` is the part of the path that is missing."""


def parse_path(text: str) -> Path:
    """The steps of a path.

    Raises:
        ValueError: the text is no path, and why.
    """
    if len(text.encode("utf-8", "surrogatepass")) > PATH_MAX_BYTES:
        raise ValueError(f"a path is at most {PATH_MAX_BYTES} bytes long")
    steps: list[Step] = []
    position = 0
    while True:
        name = _NAME.match(text, position)
        if name is None:
            raise ValueError(f"a name is expected at character {position + 1}; names with other signs are quoted")
        steps.append(name[name.lastindex or 0])
        position = name.end()
        while index := _INDEX.match(text, position):
            steps.append(int(index[1]))
            position = index.end()
        if position == len(text):
            break
        if text[position] != ".":
            raise ValueError(f"a dot, or a list index such as [0], is expected at character {position + 1}")
        position += 1
    if len(steps) > STEPS_MAX:
        raise ValueError(f"a path has at most {STEPS_MAX} steps")
    return tuple(steps)


def path_text(path: Path) -> str:
    """The path as text, as `parse_path` reads it."""
    parts = []
    for step in path:
        if isinstance(step, int):
            parts.append(f"[{step}]")
            continue
        plain = re.fullmatch(r"[^.\[\]\"'\s]+", step)
        parts.append("." * bool(parts) + (step if plain else f"'{step}'" if '"' in step else f'"{step}"'))
    return "".join(parts)


def value_at(message: Any, path: Path) -> Any:
    """The value at `path`; None where it, or a map or list on the way to it, is null.

    Raises:
        NotThere: a name or an index isn't in the message.
    """
    here = message
    for depth, step in enumerate(path, 1):
        if here is None:
            return None
        if isinstance(step, int):
            here = here[step] if type(here) is list and step < len(here) else _ABSENT
        else:
            here = here.get(step, _ABSENT) if type(here) is dict else _ABSENT
        if here is _ABSENT:
            raise NotThere(path_text(path[:depth]))
    return here
