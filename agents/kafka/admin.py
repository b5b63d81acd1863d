"""librdkafka's admin client, made to say why it gets no answer: its calls know only that their time was up."""

from __future__ import annotations

import asyncio
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from relearn.agents.kafka.config import librdkafka_config
from relearn.schemas.settings import Settings


class Admin(AdminClient):
    """An admin client that remembers what went wrong on the way to the brokers."""

    def __init__(self, settings: Settings) -> None:
        self._said: list[KafkaError] = []
        # The list's own method: one of ours would keep this client alive for ever.
        config = {**librdkafka_config(settings), "log_level": 0, "error_cb": self._said.append}
        super().__init__(config)

    async def answer(self, future: Any) -> Any:
        """The result of one of this client's futures.

        Raises:
            KafkaException: there is none; `why` says more.
        """
        found = await asyncio.wrap_future(future)
        self.poll(0)
        self._said.clear()
        return found

    def why(self, exc: KafkaException) -> str:
        """What went wrong, as near to its cause as is known, and which settings to look at."""
        self.poll(0)
        told = [error for error in self._said if error.code() != KafkaError._ALL_BROKERS_DOWN]
        self._said.clear()
        return explained(told[-1] if told else exc.args[0])


def explained(error: KafkaError) -> str:
    """What librdkafka says of a broker that it can't reach, and which settings to look at."""
    text = error.str()
    if error.code() == KafkaError._AUTHENTICATION:
        return f"{text}; look at RELEARN_KAFKA_SASL_MECHANISM, RELEARN_KAFKA_SASL_USERNAME and …_PASSWORD"
    if "SSL" in text:
        return f"{text}; look at RELEARN_KAFKA_SSL_CA_FILE, RELEARN_KAFKA_SSL_CERT_FILE and …_KEY_FILE"
    return f"{text}; look at RELEARN_KAFKA_BROKERS and RELEARN_KAFKA_SECURITY_PROTOCOL"
