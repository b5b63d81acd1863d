"""The largest message that each topic takes, as the broker has it now: it can differ from what Relearn creates."""

from __future__ import annotations

import asyncio
import math
from collections import Counter

import structlog
from confluent_kafka import KafkaException
from confluent_kafka.admin import ConfigResource, ResourceType  # type: ignore[attr-defined] # re-exports

from relearn.agents.kafka.admin import Admin
from relearn.agents.kafka.topics import admin_client, topic_config
from relearn.schemas.errors import KafkaUnavailable, SetupError, TooLarge
from relearn.schemas.settings import Settings
from relearn.schemas.topics import KAFKA_MAX_BYTES, PRODUCED_MAX_BYTES, topic_specs

log = structlog.get_logger()

#: A limit is read again when it is used after this time, and before a message is refused by it after STALE_S.
FRESH_S = 60.0
STALE_S = 2.0
#: Maximum wait for the broker. Without an answer the last limit that is known counts.
READ_TIMEOUT_S = 1.0
_CONFIG = "max.message.bytes"


def read_limit(settings: Settings, topic: str) -> int | None:
    """`max.message.bytes` of `topic`; None if the broker doesn't tell. For programs without an event loop."""
    resource = ConfigResource(ResourceType.TOPIC, topic)
    with admin_client(settings) as admin:
        try:
            entries = admin.describe_configs([resource], request_timeout=READ_TIMEOUT_S)[resource].result()
        except KafkaException as exc:
            log.debug("limit_unknown", topic=topic, error=str(exc))
            return None
    return int(entries[_CONFIG].value)


class MessageLimits:
    """`max.message.bytes` of topics, cached. Until the broker has answered: the limit with which Relearn creates them.

    No method fails because the broker is unavailable, or refuses to describe its topics. A limit that is known too
    high costs an attempt: the broker refuses the message.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._admin: Admin | None = None
        self._known = {spec.name: int(spec.config.get(_CONFIG, KAFKA_MAX_BYTES)) for spec in topic_specs(settings)}
        #: The limit that was known when the broker refused a message, and a size that may fit.
        self._refused: dict[str, tuple[int, int]] = {}
        self._read_s: dict[str, float] = {}
        self._reading: Counter[str] = Counter()

    async def of(self, topic: str, *, max_age_s: float = FRESH_S) -> int:
        """Maximum size in bytes of a message for `topic`, as `message_bytes` measures. Never raises."""
        now_s = asyncio.get_running_loop().time()
        if now_s - self._read_s.get(topic, -math.inf) > max_age_s and not self._reading[topic]:
            await self._read(topic, now_s)
        return self.known(topic)

    def known(self, topic: str) -> int:
        """As `of`, without a question to the broker."""
        limit = self._known.get(topic, KAFKA_MAX_BYTES)
        told, below = self._refused.get(topic, (0, 0))
        return min(limit if limit != told else below, PRODUCED_MAX_BYTES)

    async def after_refusal(self, topic: str, size_bytes: int) -> None:
        """Read the limit again after the broker refused a message of `size_bytes`.

        The limit is below that size in any case, until the broker has another one.
        """
        if await self.of(topic, max_age_s=0) >= size_bytes:
            self._refused[topic] = (self._known.get(topic, KAFKA_MAX_BYTES), size_bytes - 1)

    async def check(self, topic: str, size_bytes: int, what: str) -> None:
        """Return if a message of `size_bytes` fits `topic`. `what` names the message in the error.

        Raises:
            TooLarge: it doesn't, by a limit that was read just now.
        """
        if size_bytes > await self.of(topic) and size_bytes > (limit := await self.of(topic, max_age_s=STALE_S)):
            raise TooLarge(f"{what} takes {size_bytes:,} bytes; topic {topic} takes at most {limit:,}")

    def close(self) -> None:
        """Disconnect."""
        if self._admin is not None:
            self._admin.close()

    async def _read(self, topic: str, now_s: float) -> None:
        self._reading[topic] += 1
        self._admin = self._admin or admin_client(self._settings)
        try:
            async with asyncio.timeout(READ_TIMEOUT_S):
                limit = int(await topic_config(self._admin, topic, _CONFIG))
        except (KafkaUnavailable, SetupError, TimeoutError) as exc:
            log.debug("limit_unknown", topic=topic, error=str(exc) or type(exc).__name__)
            # The next attempt is due earlier than after an answer.
            self._read_s[topic] = now_s - FRESH_S + STALE_S
        else:
            if self._known.get(topic) != limit:
                log.info("message_limit", topic=topic, max_bytes=limit)
            self._known[topic], self._read_s[topic] = limit, now_s
        finally:
            self._reading[topic] -= 1
