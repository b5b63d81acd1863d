"""Compressed bodies: supported codings, limits, and other tasks running meanwhile."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relearn.api.http.problems import ProblemError
from relearn.api.http.unpacking import PIECE_BYTES, coding_of, unpack

ANY = 2**30


def bare(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@given(st.binary(max_size=300), st.integers(0, 3 * PIECE_BYTES), st.randoms(use_true_random=False))
def test_what_was_packed_comes_out(repeated: bytes, rest: int, rng: Random) -> None:
    data = repeated * 1000 + rng.randbytes(rest)
    for packed, coding in ((gzip.compress(data), "gzip"), (zlib.compress(data), "deflate"), (bare(data), "deflate")):
        assert asyncio.run(unpack(packed, coding, ANY)) == data
    several = b"".join(map(gzip.compress, (data, b"", repeated)))
    assert asyncio.run(unpack(several, "gzip", ANY)) == data + repeated
    assert asyncio.run(unpack(data, "identity", ANY)) == data


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
@pytest.mark.parametrize("packed", [b"", b"x", b"not packed", b"\x1f\x8b", b"\x78\x9c"])
async def test_what_can_not_be_unpacked_is_told_in_our_own_words(packed: bytes, coding: str) -> None:
    with pytest.raises(ProblemError, match=f"can't be decompressed: it isn't {coding}, or is incomplete"):
        await unpack(packed, coding, ANY)


async def test_unpacking_ends_at_the_limit_and_others_have_their_turn_meanwhile() -> None:
    bomb, limit, turns = gzip.compress(bytes(64 * 2**20)), 2**20, 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    waiting = asyncio.ensure_future(others())
    with pytest.raises(ProblemError, match="larger than 1,048,576 bytes"):
        await unpack(bomb, "gzip", limit)
    waiting.cancel()
    assert limit / PIECE_BYTES <= turns <= limit / PIECE_BYTES + 2


@pytest.mark.parametrize(("given_", "found"), [([], "identity"), ([""], "identity"), (["GZip "], "gzip")])
def test_a_coding_is_named_in_any_case(given_: list[str], found: str) -> None:
    assert coding_of(given_) == found


@pytest.mark.parametrize("given_", [["foo"], ["gzip, gzip"], ["gzip", "br"], ["\udcff"], ["x" * 9000]])
def test_any_other_coding_is_refused(given_: list[str]) -> None:
    with pytest.raises(ProblemError, match="isn't supported") as caught:
        coding_of(given_)
    assert caught.value.kind == "unsupported-media-type"
    assert len(caught.value.detail) < 300
