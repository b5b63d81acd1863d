"""Messages written by every version so far are read as they were meant; today's encoders still write them alike."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import msgpack
import pytest

from relearn.schemas.messages.commands import decode_command
from relearn.schemas.messages.dead_letters import decode_dead_letter
from relearn.schemas.messages.feedback import decode_feedback
from relearn.schemas.messages.predictions import Block, decode_block
from relearn.schemas.model.linear_svm import decode_model, encode_model
from relearn.schemas.model.signatures import Verifier
from relearn.schemas.model.signed_updates import decode_update
from tests.contract.golden import messages as golden
from tests.support.data.blocks import assert_same
from tests.support.data.messages import FakeMessage, decode_chunk


def _read(name: str) -> bytes:
    return (golden.FOLDER / f"{name}.bin").read_bytes()


@pytest.mark.parametrize("name", golden.MESSAGES)
def test_todays_encoder_writes_the_golden_bytes(name: str) -> None:
    assert golden.MESSAGES[name]() == _read(name)


def test_every_golden_file_is_of_a_message_that_is_tested() -> None:
    assert {Path(path).stem for path in golden.FOLDER.glob("*.bin")} == set(golden.MESSAGES)


@pytest.mark.parametrize("name", [name for name in golden.MESSAGES if name.startswith("ingest-one")])
def test_a_golden_record_is_read_as_it_was_meant(name: str) -> None:
    records, rejects = decode_chunk([FakeMessage(_read(name))], golden.NAMES)
    assert rejects == []
    assert records.features.tolist() == [[1.5, -2.0]]
    assert list(records.ids) == ["r-1"]


@pytest.mark.parametrize("name", ["ingest-many-packed", "ingest-many-lists"])
def test_golden_records_are_read_as_they_were_meant(name: str) -> None:
    records, rejects = decode_chunk([FakeMessage(_read(name))], golden.NAMES)
    assert rejects == []
    assert records.features.tolist() == golden.FEATURES.tolist()
    assert list(records.ids) == golden.TEXTS["ids"]


@pytest.mark.parametrize(
    ("name", "block"), [("predictions-v1", golden.BLOCK), ("predictions-v1-shadow", golden.SHADOWED_BLOCK)]
)
def test_a_golden_block_is_read_as_it_was_meant(name: str, block: Block) -> None:
    assert_same(decode_block(_read(name)), block)


def test_a_golden_model_is_read_as_it_was_meant() -> None:
    assert encode_model(decode_model(_read("model-v1"))) == encode_model(golden.MODEL)


def test_a_golden_update_is_read_as_it_was_meant() -> None:
    verifier = Verifier({golden.SIGNER.key_id: golden.KEY.public_key()})
    read = decode_update(_read("model-update-v1"), verifier, "relearn")
    assert read.model is not None
    assert encode_model(read.model) == encode_model(golden.MODEL)
    assert dataclasses.replace(read, model=None) == dataclasses.replace(golden.UPDATE, model=None)


def test_a_golden_command_is_read_as_it_was_meant() -> None:
    assert decode_command(_read("command-v1")) == golden.COMMAND


def test_golden_feedback_is_read_as_it_was_meant() -> None:
    assert decode_feedback(_read("feedback-v1")) == golden.FEEDBACK


def test_golden_dead_letter_headers_are_read_as_they_were_meant() -> None:
    headers = [(name, value) for name, value in msgpack.unpackb(_read("dead-letter-headers-v1"))]
    read = decode_dead_letter(b"k", b"v", headers)
    assert dataclasses.replace(read, original_headers=()) == golden.LETTER
