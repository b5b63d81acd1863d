"""The passwords of the embedded servers: random, made once per data directory, kept in `servers.json`."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from relearn.schemas.settings import PREFIX

POSTGRES_DSN, POSTGRES_OWNER_DSN = PREFIX + "POSTGRES_DSN", PREFIX + "POSTGRES_OWNER_DSN"
REDIS_URL = PREFIX + "REDIS_URL"

_BYTES = 24
#: Postgres' own default. A random password of 24 bytes needs no more.
_SCRAM_ITERATIONS = 4096


@dataclass(frozen=True)
class Secrets:
    """Passwords of URL-safe ASCII: Postgres' owner of the tables, Postgres' application, Valkey."""

    owner: str = field(repr=False)
    application: str = field(repr=False)
    valkey: str = field(repr=False)

    @classmethod
    def of(cls, last: Mapping[str, str]) -> Secrets:
        """Those in the settings of the last start; a random one where there is none."""
        return cls(*(_password(last.get(name, "")) for name in (POSTGRES_OWNER_DSN, POSTGRES_DSN, REDIS_URL)))


def scram_verifier(password: str) -> str:
    """What Postgres stores of a password: a statement with it can be logged without giving the password away."""
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _SCRAM_ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    parts = [base64.b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${_SCRAM_ITERATIONS}:{parts[0]}${parts[1]}:{parts[2]}"


def _password(address: str) -> str:
    try:
        found = urlsplit(address).password
    except ValueError:
        found = None
    return found or secrets.token_urlsafe(_BYTES)
