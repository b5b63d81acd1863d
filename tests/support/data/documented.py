"""The programs in a page of the docs, to be run as a reader runs them."""

from __future__ import annotations

import re

from tests.support.paths import ROOT


def programs(page: str) -> list[str]:
    """The blocks of Python in a page, in its order."""
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
