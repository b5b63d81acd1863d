"""Envelopes around a record: those of Kafka Connect's JSON converter and of Debezium. Pure."""

from __future__ import annotations

from typing import Any


def unwrap(message: Any) -> Any:
    """The record inside; `message` itself where there is no envelope. None: a record was deleted.

    Connect: a map of `schema` and `payload` alone. Debezium: `after`, beside `before` or `op`, or alone.
    """
    if type(message) is dict and len(message) == 2 and "payload" in message and "schema" in message:
        message = message["payload"]
    if type(message) is dict and "after" in message and ("op" in message or "before" in message or len(message) == 1):
        message = message["after"]
    return message
