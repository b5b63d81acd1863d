"""Commands: what the retrain role is asked to do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relearn.schemas.errors import BadMessage
from relearn.schemas.messages.commands import Command, decode_command, encode_command


@pytest.mark.parametrize(
    "command",
    [
        Command("j1", "train", {"trigger": "bootstrap", "data": "digits"}, by="me"),
        Command("j2", "activate", {"trigger": "manual"}, version=3),
        Command("j3", "hold"),
    ],
)
def test_a_command_is_read_as_it_was_written(command: Command) -> None:
    assert decode_command(encode_command(command)) == command


def test_a_person_can_type_one() -> None:
    assert decode_command(b'{"id": "x", "command": "train"}') == Command("x", "train")


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"{}",
        b"{",
        b'{"id": "", "command": "train"}',
        b'{"id": "x", "command": "explode"}',
        b'{"id": "x", "command": "activate"}',
        b'{"id": "x", "command": "activate", "version": 0}',
        b'{"id": "x", "command": "activate", "version": "3"}',
        b'{"id": "a\\u0000", "command": "train"}',
        b'{"id": 7, "command": "train"}',
        b'{"id": "x", "command": "train", "reason": []}',
    ],
)
def test_what_is_no_command_is_refused(value: bytes | None) -> None:
    with pytest.raises(BadMessage):
        decode_command(value)


@given(st.binary(max_size=100))
def test_random_bytes_are_refused(value: bytes) -> None:
    with pytest.raises(BadMessage):
        decode_command(value)
