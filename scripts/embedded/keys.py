"""The key pair that signs and verifies models, created once per data directory. Only retrain gets the signing key."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from relearn.scripts.client.private_files import write_private

SIGNING, VERIFY = "signing.pem", "verify.pem"


def ensure_pair(keys_dir: Path) -> tuple[Path, Path]:
    """Paths of the signing key (PKCS8) and the verify key, both readable by their owner only; creates missing ones."""
    keys_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    signing, verify = keys_dir / SIGNING, keys_dir / VERIFY
    if not signing.exists():
        key = Ed25519PrivateKey.generate()
        write_private(signing, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())
        verify.unlink(missing_ok=True)
    if not verify.exists():
        public = load_pem_private_key(signing.read_bytes(), password=None).public_key()
        write_private(verify, public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())
    return signing, verify
