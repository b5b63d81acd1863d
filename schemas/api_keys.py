"""The text of an API key: `rl_<id>_<secret>`, and what is kept of it. Pure.

The id says which row to look at and is no secret; the secret is 256 random bits, so that a plain SHA-256 of the whole
text is enough: there is nothing to guess it from.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import NamedTuple

ENTROPY_BYTES = 38
_ID_BYTES = 6
_KEY = re.compile(r"rl_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")
_ID = re.compile(r"[0-9a-f]{12}")


class KeyProof(NamedTuple):
    """Which key, and the SHA-256 of its text."""

    id: str
    hash: bytes


def make_key(entropy: bytes) -> tuple[str, KeyProof]:
    """A key's text, and what to keep of it, from ENTROPY_BYTES random bytes: 6 for the id, 32 for the secret."""
    if len(entropy) != ENTROPY_BYTES:
        raise ValueError(f"a key needs {ENTROPY_BYTES} random bytes")
    secret = base64.urlsafe_b64encode(entropy[_ID_BYTES:]).rstrip(b"=").decode()
    text = f"rl_{entropy[:_ID_BYTES].hex()}_{secret}"
    return text, KeyProof(entropy[:_ID_BYTES].hex(), _hash(text))


def read_key(text: str) -> KeyProof | None:
    """What a text proves; None where it isn't a key's text at all."""
    found = _KEY.fullmatch(text)
    return None if found is None else KeyProof(found[1], _hash(text))


def proves(proof: KeyProof, kept: bytes) -> bool:
    """Whether the text was the one whose hash is kept. Takes the same time wherever they differ."""
    return hmac.compare_digest(proof.hash, kept)


def usable_name(name: str) -> bool:
    """Whether a key may be called so: 1 to 100 printable characters, none at the ends blank, and unlike an id."""
    plain = name == name.strip() and name.isprintable() and 0 < len(name.encode("utf-8", "replace")) <= 100
    return plain and _ID.fullmatch(name) is None


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
