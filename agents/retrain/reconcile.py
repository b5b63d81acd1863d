"""Reconciling `model-updates` with Postgres: the last message of each key is the newest activation, or is published."""

from __future__ import annotations

import structlog

from relearn.agents.models.publish import UpdatesTopic
from relearn.agents.retrain.context import RetrainContext, wait_for_signal
from relearn.agents.stores.features.change import renumber_features
from relearn.agents.stores.features.versions import chain_of, read_versions
from relearn.agents.stores.training.activations import Activation, mark_published, newest_activations, renew, signed_by
from relearn.schemas.errors import Refused, TooLarge
from relearn.schemas.model.signed_schema import SCHEMA_KEY, encode_chain
from relearn.schemas.model.signed_updates import update_message_bytes

log = structlog.get_logger()

_UNPUBLISHED = "model-not-published"
_UNPUBLISHED_FEATURES = "features-not-published"


class ActivationReconciler:
    """Publishes new activations, and again those that were lost, overwritten or signed with a former key."""

    def __init__(self, context: RetrainContext) -> None:
        #: True once the topic has been compared with Postgres, or another worker does that.
        self.ready = False
        self._context = context
        self._topic = UpdatesTopic(context.settings, context.source)
        #: For each key the reading of the topic in which this process published last, and the offset of its message.
        self._sent: dict[bytes, tuple[int, int]] = {}
        #: The activation that was refused last.
        self._refused = 0

    async def run(self) -> None:
        """Compare at the signal of a new activation, and every LOOK_EVERY_S.

        Raises:
            Stopping: asked to stop while a server is away.
            Fenced: another process publishes.
        """
        context = self._context
        await context.caught_up()
        while not context.stop():
            if context.in_charge() and context.feed.complete:
                await context.read_limit()
                await context.until_available(self._topic.open)
                await context.until_available(self.mend)
            self.ready = True
            await wait_for_signal(context.new_activations)

    async def mend(self) -> None:
        """Compare once. May be repeated.

        The versions of the features come first: a model is of one of them.

        Raises:
            KafkaUnavailable, PostgresUnavailable: retryable.
            Fenced: another process publishes.
        """
        await self._mend_features()
        for newest in await newest_activations(await self._context.pool()):
            await self._mend(newest)

    async def _mend_features(self) -> None:
        context, pool = self._context, await self._context.pool()
        stored = await read_versions(pool)
        chain = chain_of(stored)
        if chain is None or not chain.changed:
            return
        seen = context.live.chain
        if seen is not None and seen.newest.number > chain.newest.number:
            log.warning("features_renumbered", version=chain.newest.number, seen=seen.newest.number)
            await renumber_features(pool, seen.newest.number)
            stored = await read_versions(pool)
            chain = chain_of(stored) or chain
        signing = context.signing
        message = encode_chain(chain, signing.namespace, stored[-1].at.timestamp(), signing.signer)
        size, what = update_message_bytes(message), f"version {chain.newest.number} of the features"
        if context.feed.latest.get(SCHEMA_KEY) == message or self._is_sent(SCHEMA_KEY):
            return
        if size > signing.max_bytes:
            why = f"it takes {size:,} bytes; topic `model-updates` takes at most {signing.max_bytes:,}"
            context.state.notices.set(_UNPUBLISHED_FEATURES, f"{what} isn't published: {why}")
            return
        self._sent[SCHEMA_KEY] = (context.feed.readings, await self._topic.publish(SCHEMA_KEY, message))
        context.state.notices.clear(_UNPUBLISHED_FEATURES)
        log.info("features_published", version=chain.newest.number, features=len(chain.newest.schema))

    def _is_sent(self, key: bytes) -> bool:
        """Whether the message that was published last was not read back yet."""
        reading, offset = self._sent.get(key, (0, -1))
        return reading == self._context.feed.readings and offset >= self._context.feed.position

    async def _mend(self, newest: Activation) -> None:
        context, pool = self._context, await self._context.pool()
        seen, key_id = context.seen(newest.key), context.signing.signer.key_id
        if seen > newest.activation or signed_by(newest.message) != key_id:
            try:
                newest = await renew(pool, newest, context.signing, above=context.above())
            except Refused as exc:
                context.state.notices.set(_UNPUBLISHED, f"activation {newest.activation} can't be renewed: {exc}")
                return
            log.warning("activation_renewed", activation=newest.activation, seen=seen, key=key_id)
        feed, key = context.feed, newest.key.encode()
        if self._is_sent(key):
            return
        if feed.latest.get(key) != newest.message and not await self._publish(key, newest):
            return
        if not newest.published:
            await mark_published(pool, newest.activation)

    async def _publish(self, key: bytes, newest: Activation) -> bool:
        """Write one activation. False: the topic doesn't take a message of its size, until its limit is raised."""
        context, size = self._context, update_message_bytes(newest.message)
        if size > (limit := context.signing.max_bytes):
            self._note_refusal(newest, f"it takes {size:,} bytes; topic `model-updates` takes at most {limit:,}")
            return False
        try:
            self._sent[key] = (context.feed.readings, await self._topic.publish(key, newest.message))
        except TooLarge as exc:
            self._note_refusal(newest, str(exc))
            await context.note_refusal(size)
            return False
        context.state.notices.clear(_UNPUBLISHED)
        log.info("model_published", role=newest.role, version=newest.version, activation=newest.activation)
        return True

    def _note_refusal(self, newest: Activation, why: str) -> None:
        if self._refused != newest.activation:
            log.error("model_not_published", activation=newest.activation, version=newest.version, error=why)
        self._refused = newest.activation
        self._context.state.notices.set(_UNPUBLISHED, f"activation {newest.activation} isn't published: {why}")

    def close(self) -> None:
        """Disconnect."""
        self._topic.close()
