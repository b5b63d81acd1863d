"""Packages that only an extra of relearn brings."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from relearn.schemas.errors import SetupError


def import_extra(module: str, extra: str, problem: str) -> Any:
    """A module of an optional package.

    Raises:
        SetupError: it isn't installed; the message is the problem, then the command that installs it.
    """
    try:
        return import_module(module)
    except ImportError as exc:
        raise SetupError(f"{problem}: pip install 'relearn[{extra}]'") from exc
