"""librdkafka's admin client with the reason why a call got no answer. Its own calls report a timeout only."""

from __future__ import annotations

import asyncio
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from relearn.agents.driver_errors.kafka import code_verdict
from relearn.agents.driver_errors.verdict import Verdict
from relearn.agents.kafka.config import librdkafka_config
from relearn.schemas.errors import KafkaUnavailable
from relearn.schemas.settings import Settings


class Admin(AdminClient):
    """An admin client that keeps the errors of its connections. Use it in a `with` block, or call `close`.

    A client that is only dropped ends where Python happens to collect it. In librdkafka's own thread, which delivers
    results and may collect garbage meanwhile, that aborts the process.
    """

    def __init__(self, settings: Settings) -> None:
        self._said: list[KafkaError] = []
        # The list's own method: a method of this class would keep the client alive.
        config = {**librdkafka_config(settings), "log_level": 0, "error_cb": self._said.append}
        super().__init__(config)

    def close(self) -> None:
        """End the client's threads and connections, also while something still refers to the client."""
        self.__exit__(None, None, None)

    async def answer(self, future: Any) -> Any:
        """The result of one of this client's futures.

        Raises:
            KafkaException: there is none; `why` has the reason.
        """
        found = await asyncio.wrap_future(future)
        self.poll(0)
        self._said.clear()
        return found

    async def available(self, future: Any) -> Any:
        """As `answer`, for callers that have no use for the code of an error that passes by itself.

        Raises:
            KafkaUnavailable: no broker answers, or none can at the moment.
            KafkaException: the broker refuses.
        """
        try:
            return await self.answer(future)
        except KafkaException as exc:
            if code_verdict(exc.args[0]) is Verdict.RETRYABLE:
                raise KafkaUnavailable(f"Kafka doesn't answer: {self.why(exc)}") from exc
            raise

    async def metadata(self, timeout_s: float) -> Any:
        """The brokers and all topics: a request for one topic lets some brokers create it.

        Raises:
            KafkaUnavailable: no broker answers.
        """
        try:
            return await asyncio.to_thread(self.list_topics, timeout=timeout_s)
        except KafkaException as exc:
            raise KafkaUnavailable(f"Kafka doesn't answer: {self.why(exc)}") from exc

    def why(self, exc: KafkaException) -> str:
        """The error that is nearest to the cause, and which settings to check."""
        self.poll(0)
        told = [error for error in self._said if error.code() != KafkaError._ALL_BROKERS_DOWN]
        self._said.clear()
        return explained(told[-1] if told else exc.args[0])


def explained(error: KafkaError) -> str:
    """librdkafka's text about a broker that it can't reach, and which settings to check."""
    text = error.str()
    if error.code() == KafkaError._AUTHENTICATION:
        return f"{text}; look at RELEARN_KAFKA_SASL_MECHANISM, RELEARN_KAFKA_SASL_USERNAME and …_PASSWORD"
    if "SSL" in text:
        return f"{text}; look at RELEARN_KAFKA_SSL_CA_FILE, RELEARN_KAFKA_SSL_CERT_FILE and …_KEY_FILE"
    return f"{text}; look at RELEARN_KAFKA_BROKERS and RELEARN_KAFKA_SECURITY_PROTOCOL"
