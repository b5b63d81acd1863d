"""Kafka's address and security from the settings, as options of each client library."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from relearn.schemas.errors import SettingsError
from relearn.schemas.settings import Settings

#: A request without an answer for this time ends its connection, and the request is sent again on a new one. A peer
#: that vanished (a lost address translation, a machine without power) closes nothing. The libraries wait 40 to 60 s.
REQUEST_TIMEOUT_S = 10.0
#: The same for consumers in a group. It exceeds the time that a member may take to finish its chunks at a rebalance,
#: because the broker answers a request to join only when all members have joined.
GROUP_REQUEST_TIMEOUT_S = 15.0


def librdkafka_config(settings: Settings) -> dict[str, Any]:
    """Configuration for confluent-kafka's producers, consumers and admin client."""
    config: dict[str, Any] = {
        "bootstrap.servers": ",".join(settings.kafka_brokers),
        "socket.timeout.ms": int(1000 * REQUEST_TIMEOUT_S),
        "security.protocol": settings.kafka_security_protocol,
    }
    if settings.kafka_security_protocol.startswith("SASL"):
        config["sasl.mechanism"] = settings.kafka_sasl_mechanism
        config["sasl.username"] = settings.kafka_sasl_username
        config["sasl.password"] = settings.kafka_sasl_password
    ssl_context(settings)  # reads the files, and names the setting of a file that can't be used
    files = {
        "ssl.ca.location": settings.kafka_ssl_ca_file,
        "ssl.certificate.location": settings.kafka_ssl_cert_file,
        "ssl.key.location": settings.kafka_ssl_key_file,
    }
    config.update({name: str(path) for name, path in files.items() if path is not None})
    return config


def idempotent_producer_config(settings: Settings, client_id: str) -> dict[str, Any]:
    """Configuration for a confluent-kafka producer whose messages arrive once, in order, and on all replicas."""
    return {**librdkafka_config(settings), "client.id": client_id, "enable.idempotence": True, "acks": "all"}


def aiokafka_config(settings: Settings) -> dict[str, Any]:
    """Keyword arguments for aiokafka's clients."""
    config: dict[str, Any] = {
        "bootstrap_servers": list(settings.kafka_brokers),
        "request_timeout_ms": int(1000 * REQUEST_TIMEOUT_S),
        "security_protocol": settings.kafka_security_protocol,
        "ssl_context": ssl_context(settings),
    }
    if settings.kafka_security_protocol.startswith("SASL"):
        config["sasl_mechanism"] = settings.kafka_sasl_mechanism
        config["sasl_plain_username"] = settings.kafka_sasl_username
        config["sasl_plain_password"] = settings.kafka_sasl_password
    return config


def ssl_context(settings: Settings) -> ssl.SSLContext | None:
    """The TLS context for aiokafka and Faust; None where the protocol has no TLS.

    Raises:
        SettingsError: a file can't be used.
    """
    if not settings.kafka_security_protocol.endswith("SSL"):
        return None
    with _named("RELEARN_KAFKA_SSL_CA_FILE", settings.kafka_ssl_ca_file):
        context = ssl.create_default_context(cafile=settings.kafka_ssl_ca_file)
    if settings.kafka_ssl_cert_file is not None:
        with _named("RELEARN_KAFKA_SSL_CERT_FILE, RELEARN_KAFKA_SSL_KEY_FILE", settings.kafka_ssl_cert_file):
            # An empty password: OpenSSL would prompt for the password of an encrypted key.
            context.load_cert_chain(settings.kafka_ssl_cert_file, settings.kafka_ssl_key_file, password="")
    return context


@contextmanager
def _named(names: str, path: Path | None) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise SettingsError(f"{names}: {path} can't be used: {exc}") from exc
