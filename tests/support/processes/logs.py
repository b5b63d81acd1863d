"""What workers say in their logs: events as key=value."""

from __future__ import annotations

import re
from collections.abc import Iterator

_PAIR = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)')


def events(log: str, *names: str) -> Iterator[dict[str, str]]:
    """The key-values of each of these events, in order."""
    for found in re.finditer(rf"event=({'|'.join(names)}) (.*)", log):
        yield {"event": found[1], **dict(_PAIR.findall(found[2]))}
