"""The text of an API key, `rl_<id>_<secret>`, and its stored hash. Pure.

The id names the row and is not secret. The secret is 256 random bits, so a plain SHA-256 of the whole text is enough:
there is no smaller space to search, as with passwords.
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
    """The id of a key, and the SHA-256 of its text."""

    id: str
    hash: bytes


def make_key(entropy: bytes) -> tuple[str, KeyProof]:
    """A key's text and its proof, which is stored, from ENTROPY_BYTES random bytes: 6 for the id, 32 for the secret."""
    if len(entropy) != ENTROPY_BYTES:
        raise ValueError(f"a key needs {ENTROPY_BYTES} random bytes")
    secret = base64.urlsafe_b64encode(entropy[_ID_BYTES:]).rstrip(b"=").decode()
    text = f"rl_{entropy[:_ID_BYTES].hex()}_{secret}"
    return text, KeyProof(entropy[:_ID_BYTES].hex(), _hash(text))


def read_key(text: str) -> KeyProof | None:
    """The proof that a text gives; None where it doesn't have the form of a key."""
    found = _KEY.fullmatch(text)
    return None if found is None else KeyProof(found[1], _hash(text))


def proves(proof: KeyProof, kept: bytes) -> bool:
    """Whether the text is that of the stored hash. The time taken doesn't depend on where the two differ."""
    return hmac.compare_digest(proof.hash, kept)


def usable_name(name: str) -> bool:
    """Whether a key may have this name: 1 to 100 printable characters, no blank at either end, unlike an id."""
    plain = name == name.strip() and name.isprintable() and 0 < len(name.encode("utf-8", "replace")) <= 100
    return plain and _ID.fullmatch(name) is None


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
