"""What the parts of a retrain worker share: Postgres, the signing context, the model feed, and retries."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from relearn.agents.availability.open_once import OpenOnce
from relearn.agents.availability.retry import Retry, wait_until
from relearn.agents.kafka.limits import FRESH_S, MessageLimits
from relearn.agents.models.feed import ModelFeed
from relearn.agents.models.live import LiveModel
from relearn.agents.retrain.fit_runner import FitRunner
from relearn.agents.stores.postgres import Pool, open_pool
from relearn.agents.stores.training.activations import SigningContext
from relearn.agents.stores.training.kept_labels import KeptLabels
from relearn.agents.worker.state import WorkerState
from relearn.schemas.model.signatures import Signer
from relearn.schemas.model.signed_updates import Key
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name

T = TypeVar("T")

#: The interval of polling for work without a signal.
LOOK_EVERY_S = 1.0


@dataclass(slots=True)
class RetrainContext:
    """One retrain worker. `in_charge()`: whether it has the partition of `commands`; the others stand by."""

    settings: Settings
    state: WorkerState
    feed: ModelFeed
    live: LiveModel
    signer: Signer
    limits: MessageLimits
    stop: Callable[[], bool]
    in_charge: Callable[[], bool]
    #: Signals: set when a job was written, and when an activation was written.
    new_jobs: asyncio.Event = field(default_factory=asyncio.Event)
    new_activations: asyncio.Event = field(default_factory=asyncio.Event)
    #: Set when a job became a shadow.
    new_shadows: asyncio.Event = field(default_factory=asyncio.Event)
    trainer: FitRunner = field(default_factory=FitRunner)
    labels: KeptLabels = field(default_factory=KeptLabels)
    _pool: OpenOnce[Pool] = field(init=False)

    def __post_init__(self) -> None:
        self._pool = OpenOnce(lambda: open_pool(self.settings, size=4))

    @property
    def signing(self) -> SigningContext:
        """The key that signs, and the largest message that the topic takes as far as that is known."""
        max_bytes = self.limits.known(self._updates)
        return SigningContext(self.settings.namespace, self.signer, max_bytes)

    async def read_limit(self, *, max_age_s: float = FRESH_S) -> int:
        """The largest message that `model-updates` takes, read from the broker if the last answer is older."""
        return await self.limits.of(self._updates, max_age_s=max_age_s)

    async def note_refusal(self, size_bytes: int) -> None:
        """`model-updates` doesn't take a message of this size."""
        if self.limits.known(self._updates) >= size_bytes:
            await self.limits.after_refusal(self._updates, size_bytes)

    @property
    def _updates(self) -> str:
        return topic_name(self.settings.namespace, "model-updates")

    @property
    def source(self) -> str:
        """The sender in CloudEvents headers."""
        return f"/{self.settings.namespace}/{self.state.id}"

    def seen(self, key: Key) -> int:
        """The highest activation seen on the topic under `key`."""
        return self.live.last(key)[0]

    def above(self) -> int:
        """The highest activation seen on the topic: new ones get numbers above it."""
        return max(self.seen("champion"), self.seen("shadow"))

    async def pool(self) -> Pool:
        """The connections to Postgres, opened at the first call."""
        return await self._pool.get()

    async def caught_up(self) -> None:
        """Wait until `model-updates` has been read, so that `above` is right.

        Raises:
            Stopping: asked to stop first.
        """
        await wait_until(self.feed.caught_up.is_set, stop=self.stop)

    async def until_available(self, call: Callable[[], Awaitable[T]]) -> T:
        """The result of `call`, retried while a server is unavailable.

        Raises:
            Stopping: asked to stop first.
        """
        return await Retry(self.state, self.stop).until_available(call)

    def close(self) -> None:
        """Disconnect."""
        self.limits.close()
        if self._pool.value is not None:
            self._pool.value.terminate()


async def wait_for_signal(event: asyncio.Event) -> bool:
    """Wait until `event` is set, and clear it. Returns False after LOOK_EVERY_S without a signal."""
    try:
        async with asyncio.timeout(LOOK_EVERY_S):
            await event.wait()
    except TimeoutError:
        return False
    event.clear()
    return True
