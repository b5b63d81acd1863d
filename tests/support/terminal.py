"""What stands on a terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console


def drawn(*lines: Any) -> list[str]:
    """As they stand on a terminal of 80 columns."""
    console = Console(width=80, color_system=None, soft_wrap=True)
    with console.capture() as captured:
        for one in lines:
            console.print(one)
    return captured.get().splitlines()
