"""Writes the committed documents of the HTTP API and of the topics from the code: `make documents`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from relearn import schemas
from relearn.schemas.asyncapi import asyncapi
from relearn.schemas.openapi import openapi

DOCUMENTS: dict[str, Callable[[], dict[str, Any]]] = {"openapi.json": openapi, "asyncapi.json": asyncapi}
DIRECTORY = Path(schemas.__file__).parent


def text_of(document: dict[str, Any]) -> str:
    """The document as it is committed."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for name, made in DOCUMENTS.items():
        (DIRECTORY / name).write_text(text_of(made()))
