"""The model feed in a worker: a task reads `model-updates`, an agent applies each update to the live model.

model-updates ── models.feed ──▶ channel ──▶ agent: ModelFeed.take ──▶ models.swapper ──▶ models.live
"""

from __future__ import annotations

from contextlib import aclosing
from typing import Any

import faust
from mode.utils.queues import FlowControlEvent, ThrowableQueue

from relearn.agents.availability.notices import Notices
from relearn.agents.models.feed import ModelFeed, model_updates
from relearn.agents.models.live import LiveModel
from relearn.agents.models.signing_keys import load_verifier
from relearn.agents.models.swapper import Swapper
from relearn.agents.worker.shutdown import crash
from relearn.schemas.model.signatures import Verifier
from relearn.schemas.settings import Settings

#: The topic of model updates can't be read for the moment.
NOTICE = "model-feed"


def attach_model_feed(
    app: faust.App, settings: Settings, live: LiveModel, notices: Notices, verifier: Verifier | None = None
) -> ModelFeed:
    """Add to `app` the task that reads the topic and the agent that swaps; `caught_up` is set once `live` is current.

    Raises:
        SettingsError: there is no key to verify models with.
    """
    feed = ModelFeed(Swapper(live, verifier or load_verifier(settings), settings.namespace))
    channel: Any = _FeedChannel(app)

    async def swap_models(stream: Any) -> None:
        async for event in stream:
            try:
                feed.take(event)
            except Exception as exc:  # noqa: BLE001 - ends the process
                await crash(app, exc)

    def told(error: str | None) -> None:
        if error is None:
            notices.clear(NOTICE)
        else:
            notices.set(NOTICE, error)

    async def read_feed() -> None:
        try:
            async with aclosing(model_updates(settings, told)) as events:
                async for event in events:
                    await channel.put(event)
        except Exception as exc:  # noqa: BLE001 - ends the process
            await crash(app, exc)

    app.agent(channel)(swap_models)
    app.task(read_feed)
    return feed


class _FeedChannel(faust.Channel[Any]):
    """A channel that keeps its events. Faust empties its own channels at each rebalance of the consumer group."""

    @property
    def queue(self) -> Any:
        if self._queue is None:
            self._queue = ThrowableQueue(maxsize=16, flow_control=FlowControlEvent(initially_suspended=False))
        return self._queue
