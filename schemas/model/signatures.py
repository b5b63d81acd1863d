"""Ed25519 signatures over model updates. Pure: keys are passed as PEM text; the caller reads the files."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from relearn.schemas.errors import BadModel, SettingsError


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs model updates; only the retrain role has one."""

    key_id: str
    key: Ed25519PrivateKey

    def sign(self, body: bytes) -> bytes:
        """64 bytes."""
        return self.key.sign(body)


@dataclass(frozen=True, slots=True)
class Verifier:
    """The public keys that this process trusts, by id."""

    keys: dict[str, Ed25519PublicKey]

    def verify(self, body: bytes, key_id: str, signature: bytes) -> None:
        """Returns if `signature` is the signature of key `key_id` over `body`.

        Raises:
            BadModel: with reason `signature`: an unknown key, or another signature.
        """
        key = self.keys.get(key_id)
        if key is None:
            raise BadModel("signature", f"signed by {key_id[:40]!r}, a key that isn't trusted here")
        try:
            key.verify(signature, body)
        except InvalidSignature as exc:
            raise BadModel("signature", f"not the signature of key {key_id}") from exc


def key_id_of(key: Ed25519PublicKey) -> str:
    """The first 16 hex digits of SHA-256 over the raw 32 bytes of the public key."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def signer_from_pem(pem: bytes, source: str) -> Signer:
    """The signer in a PKCS8 PEM text, as `openssl genpkey -algorithm ed25519` writes it.

    Raises:
        SettingsError: naming `source`.
    """
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
        raise SettingsError(f"{source} holds no private key without a password: {exc}") from exc
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError(f"{source} holds a key of another kind; Ed25519 is needed")
    return Signer(key_id_of(key.public_key()), key)


def verifier_from_texts(texts: Iterable[tuple[str, str]]) -> Verifier:
    """The verifier for (text, source) pairs; a text is a PEM public key or 32 raw bytes in base64.

    Raises:
        SettingsError: naming the source of the first text that can't be read.
    """
    keys = [_public_key(text, source) for text, source in texts]
    return Verifier({key_id_of(key): key for key in keys})


def _public_key(text: str, source: str) -> Ed25519PublicKey:
    try:
        if "-----BEGIN" in text:
            key = serialization.load_pem_public_key(text.encode())
        else:
            key = Ed25519PublicKey.from_public_bytes(base64.b64decode(text, validate=True))
    except (ValueError, binascii.Error, UnsupportedAlgorithm) as exc:
        raise SettingsError(f"{source} holds no Ed25519 public key (PEM, or 32 bytes in base64): {exc}") from exc
    if not isinstance(key, Ed25519PublicKey):
        raise SettingsError(f"{source} holds a key of another kind; Ed25519 is needed")
    return key
