"""The pair that signs models."""

import stat
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from relearn.scripts.embedded.keys import ensure_pair


def test_what_the_one_signs_the_other_verifies(tmp_path: Path) -> None:
    """Ed25519, PEM, and the signing half readable by its owner only."""
    signing, verify = ensure_pair(tmp_path / "keys")
    private = load_pem_private_key(signing.read_bytes(), password=None)
    public = load_pem_public_key(verify.read_bytes())
    assert isinstance(private, Ed25519PrivateKey)
    assert isinstance(public, Ed25519PublicKey)
    public.verify(private.sign(b"model"), b"model")
    assert stat.S_IMODE(signing.stat().st_mode) == 0o600


def test_a_pair_is_made_once(tmp_path: Path) -> None:
    """A second start finds it, and a lost verify key is made from the signing key again."""
    signing, verify = ensure_pair(tmp_path / "keys")
    before = (signing.read_bytes(), verify.read_bytes())
    verify.unlink()
    ensure_pair(tmp_path / "keys")
    assert (signing.read_bytes(), verify.read_bytes()) == before
