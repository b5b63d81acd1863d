"""The key pair that signs and verifies models, created once per data directory. Only retrain gets the signing key."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

SIGNING, VERIFY = "signing.pem", "verify.pem"


def ensure_pair(keys_dir: Path) -> tuple[Path, Path]:
    """Paths of the signing key (PKCS8, readable by its owner only) and the verify key; creates missing ones."""
    keys_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    signing, verify = keys_dir / SIGNING, keys_dir / VERIFY
    if not signing.exists():
        key = Ed25519PrivateKey.generate()
        _write(signing, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), 0o600)
        verify.unlink(missing_ok=True)
    if not verify.exists():
        public = load_pem_private_key(signing.read_bytes(), password=None).public_key()
        _write(verify, public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), 0o644)
    return signing, verify


def _write(path: Path, contents: bytes, mode: int) -> None:
    scratch = path.with_suffix(".new")
    scratch.unlink(missing_ok=True)
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(contents)
    scratch.replace(path)
