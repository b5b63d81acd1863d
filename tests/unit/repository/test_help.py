"""`relearn VERB --help` works for every verb, and for every verb of a verb."""

import importlib

import click
import pytest
from click.testing import CliRunner

from relearn.scripts.cli import VERBS, relearn


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb: str) -> None:
    """In words, with exit code 0, and without anything running."""
    module, _, attribute = VERBS[verb][0].partition(":")
    command = getattr(importlib.import_module(module), attribute)
    names = list(command.commands) if isinstance(command, click.Group) else []
    for argv in ([verb], *([verb, name] for name in names)):
        result = CliRunner().invoke(relearn, [*argv, "--help"])
        assert result.exit_code == 0, result.output
        assert result.output.startswith("Usage: ")
        assert len(result.output.splitlines()) > 4
