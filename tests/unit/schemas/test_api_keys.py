"""The text of an API key, and what is kept of it."""

from __future__ import annotations

import secrets

import pytest

from relearn.schemas.api_keys import ENTROPY_BYTES, make_key, proves, read_key, usable_name

TEXT, KEPT = make_key(bytes(range(ENTROPY_BYTES)))


def test_a_key_proves_itself() -> None:
    proof = read_key(TEXT)
    assert proof is not None
    assert proof.id == KEPT.id == "000102030405"
    assert proves(proof, KEPT.hash)


def test_each_key_is_another() -> None:
    other, _ = make_key(secrets.token_bytes(ENTROPY_BYTES))
    proof = read_key(other)
    assert proof is not None
    assert not proves(proof, KEPT.hash)


def test_the_same_id_with_another_secret_proves_nothing() -> None:
    proof = read_key(TEXT[:-1] + ("A" if TEXT[-1] != "A" else "B"))
    assert proof is not None
    assert proof.id == KEPT.id
    assert not proves(proof, KEPT.hash)


@pytest.mark.parametrize(
    "text",
    ["", "rl_", TEXT[1:], TEXT + "A", TEXT + "\n", TEXT.upper(), TEXT.replace("rl", "xx"), "\udcff" + TEXT, "é" * 59],
)
def test_anything_else_is_no_key(text: str) -> None:
    assert read_key(text) is None


@pytest.mark.parametrize("name", ["ann", "Ann Lee", "ann@example.org", "Ünal", "batch-7 (nights)"])
def test_a_name_is_as_people_and_programs_are_called(name: str) -> None:
    assert usable_name(name)


@pytest.mark.parametrize("name", ["", " ann", "ann ", "a\x00b", "a\nb", "\udcff", "x" * 101, "é" * 51, KEPT.id])
def test_a_name_that_cannot_be_shown_or_stored_is_rejected(name: str) -> None:
    assert not usable_name(name)
