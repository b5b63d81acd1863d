"""A client of the API that openapi-python-client generates from the committed document."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

from relearn.scripts.dev.documents import DIRECTORY

#: Import name of the generated package.
PACKAGE = "generated_relearn"
#: The generator would format its output otherwise, which takes longer than generating it.
_CONFIG = "post_hooks: []\n"


class GeneratedClient:
    """The generated package in `directory`, which has to be on `sys.path` while modules are imported."""

    def __init__(self, directory: Path) -> None:
        self.root = directory / PACKAGE

    def has(self, tag: str, operation: str) -> bool:
        """Whether there is a module for the operation, where the generator puts it."""
        return (self.root / "api" / _snake(tag) / f"{operation}.py").is_file()

    def operation(self, tag: str, operation: str) -> Any:
        """The module of an operation, with `sync` and `sync_detailed`."""
        return importlib.import_module(f"{PACKAGE}.api.{_snake(tag)}.{operation}")

    @property
    def models(self) -> Any:
        """The types of the document's components."""
        return importlib.import_module(f"{PACKAGE}.models")

    def connect(self, url: str, key: str) -> Any:
        """A client of the API at `url` that sends `key`; any status that the document lacks is an error."""
        package = importlib.import_module(f"{PACKAGE}.client")
        return package.AuthenticatedClient(base_url=url, token=key, timeout=30, raise_on_unexpected_status=True)


def generate(directory: Path) -> str:
    """Generate the client into `directory`; the generator's output. A warning is a failure.

    Raises:
        AssertionError: the generator failed, or left something out.
    """
    config = directory / "config.yml"
    config.write_text(_CONFIG)
    done = subprocess.run(
        [
            Path(sys.executable).with_name("openapi-python-client"),
            "generate",
            "--path",
            DIRECTORY / "openapi.json",
            "--config",
            config,
            "--output-path",
            directory / PACKAGE,
            "--meta",
            "none",
            "--fail-on-warning",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def _snake(tag: str) -> str:
    return tag.lower().replace(" ", "_")
