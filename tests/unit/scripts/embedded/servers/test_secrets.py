"""The passwords of the embedded servers."""

import base64
import hashlib
import hmac

from relearn.scripts.embedded.servers.local import SETTING, Ports
from relearn.scripts.embedded.servers.secrets import Secrets, scram_verifier

PORTS = Ports(1, 2, 3, 4)


def test_passwords_are_random_and_stay_from_start_to_start() -> None:
    """A shell that has them in its environment goes on working."""
    first = Secrets.of({})
    assert len({first.owner, first.application, first.valkey, Secrets.of({}).owner}) == 4
    assert Secrets.of(PORTS.settings(SETTING, first)) == first
    assert first.owner not in repr(first)


def test_addresses_of_a_version_without_passwords_get_some() -> None:
    """The settings that an earlier `up` left."""
    before = {
        "RELEARN_POSTGRES_DSN": "postgresql://postgres@127.0.0.1:15432/postgres",
        "RELEARN_REDIS_URL": "redis://[",
    }
    found = Secrets.of(before)
    assert all((found.owner, found.application, found.valkey))


def test_a_verifier_proves_the_password_without_holding_it() -> None:
    """As RFC 5802 defines it."""
    scheme, salted, keys = scram_verifier("secret").split("$")
    iterations, salt = salted.split(":")
    stored, server = (base64.b64decode(part) for part in keys.split(":"))
    derived = hashlib.pbkdf2_hmac("sha256", b"secret", base64.b64decode(salt), int(iterations))
    client = hmac.digest(derived, b"Client Key", "sha256")
    assert scheme == "SCRAM-SHA-256"
    assert (stored, server) == (hashlib.sha256(client).digest(), hmac.digest(derived, b"Server Key", "sha256"))
