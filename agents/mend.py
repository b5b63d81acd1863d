"""Mending: the last word on `model-updates` is the newest activation in Postgres, or is made so."""

from __future__ import annotations

import structlog

from agents.champion_topic import ChampionTopic
from agents.retraining import Retraining, news
from agents.stores.activations import mark_published, newest_activation, renew, signed_by

log = structlog.get_logger()


class Mender:
    """Publishes what is new, and again what was lost, overwritten, or is signed with a key of the past."""

    def __init__(self, retraining: Retraining) -> None:
        #: True once the topic has been compared with Postgres, or another worker does that.
        self.ready = False
        self._retraining = retraining
        self._topic = ChampionTopic(retraining.settings, retraining.source)
        #: Which reading of the topic it was when this process last published, and at which offset that stands.
        self._sent = (0, -1)

    async def run(self) -> None:
        """Compare whenever an activation was made, and every LOOK_EVERY_S.

        Raises:
            Stopping: asked to stop while a server is away.
            Fenced: another process publishes.
        """
        retraining = self._retraining
        await retraining.caught_up()
        while not retraining.stop():
            if retraining.in_charge() and retraining.feed.complete:
                await retraining.patiently(self._topic.open)
                await retraining.patiently(self.mend)
            self.ready = True
            await news(retraining.new_activations)

    async def mend(self) -> None:
        """Compare once. May be repeated.

        Raises:
            KafkaUnavailable, PostgresUnavailable: compare again.
            Fenced: another process publishes.
        """
        retraining, pool = self._retraining, await self._retraining.pool()
        newest = await newest_activation(pool)
        if newest is None:
            return
        above, key_id = retraining.above(), retraining.seal.signer.key_id
        if above > newest.activation or signed_by(newest.message) != key_id:
            log.warning("activation_renewed", activation=newest.activation, seen=above, key=key_id)
            newest = await renew(pool, newest, retraining.seal, above=above)
        feed, (reading, offset) = retraining.feed, self._sent
        if reading == feed.readings and offset >= feed.position:
            return  # what was published last hasn't come back yet
        if feed.champion != newest.message:
            self._sent = (feed.readings, await self._topic.publish(newest.message))
            log.info("champion_published", version=newest.version, activation=newest.activation, again=newest.published)
        if not newest.published:
            await mark_published(pool, newest.activation)

    def close(self) -> None:
        """Disconnect."""
        self._topic.close()
