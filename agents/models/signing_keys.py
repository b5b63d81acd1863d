"""The files of the signing keys, read once at the start of a process."""

from __future__ import annotations

from pathlib import Path

from relearn.schemas.errors import SettingsError
from relearn.schemas.model.signatures import Signer, Verifier, signer_from_pem, verifier_from_texts
from relearn.schemas.settings import Settings

SIGNING_FILE = "signing.pem"
VERIFY_FILE = "verify.pem"


def load_signer(settings: Settings) -> Signer:
    """The private key of `RELEARN_SIGNING_KEY_FILE`, or the one that `relearn up` made in the data directory.

    Raises:
        SettingsError: there is none, or it can't be used.
    """
    path = settings.signing_key_file or settings.keys_dir / SIGNING_FILE
    return signer_from_pem(_read(path, "RELEARN_SIGNING_KEY_FILE"), str(path))


def load_verifier(settings: Settings) -> Verifier:
    """The public keys of `RELEARN_VERIFY_KEYS` (PEM files or base64), or the one that `relearn up` made.

    Raises:
        SettingsError: there is none, or one can't be used.
    """
    given = settings.verify_keys or (str(settings.keys_dir / VERIFY_FILE),)
    return verifier_from_texts([(_key_text(item), item) for item in given])


def _key_text(item: str) -> str:
    looks_like_a_path = "/" in item.rstrip("=") and not _is_base64_key(item)
    if looks_like_a_path or item.endswith(".pem"):
        return _read(Path(item), "RELEARN_VERIFY_KEYS").decode("utf-8", "replace")
    return item


def _is_base64_key(item: str) -> bool:
    return len(item) == 44 and item.endswith("=")


def _read(path: Path, setting: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise SettingsError(
            f"{setting}: {path} can't be read ({exc.strerror}); `relearn up` makes a pair, "
            "or `openssl genpkey -algorithm ed25519` does"
        ) from exc
