"""The live model and its shadow: the one mutable reference. `swapper` decides which update rebinds it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from relearn.schemas.errors import BadModel
from relearn.schemas.model.linear_svm import Model
from relearn.schemas.model.signed_updates import Key, Update


@dataclass(frozen=True, slots=True)
class Served:
    """A model, the activation that made it live, and the number of its features (see `Update`)."""

    model: Model
    activation: int
    schema: int = 1


class LiveModel:
    """Holds the champion of this process and its shadow.

    Read `current` once per chunk, and `shadow` with no await in between, so that one champion and one shadow score the
    whole chunk. A shadow may arrive before any champion and is not used until there is one.
    """

    def __init__(self) -> None:
        self.current: Served | None = None
        self.shadow: Served | None = None
        # The last update of the shadow, role `none` included: its activation, and the version if there was a model.
        self._last_shadow: tuple[int, int | None] = (0, None)
        self._loaded = asyncio.Event()

    def swap(self, update: Update) -> Served:
        """Make the update's model live.

        Raises:
            BadModel: with reason `shape`: there is no model.
        """
        if update.model is None:
            raise BadModel("shape", "a champion without a model")
        self.current = Served(update.model, update.activation, update.schema)
        self._loaded.set()
        return self.current

    def swap_shadow(self, update: Update) -> Served | None:
        """Make the update's model the shadow. With role `none` there is no shadow from now on.

        Raises:
            BadModel: with reason `shape`: role `shadow` without a model.
        """
        if update.role == "shadow" and update.model is None:
            raise BadModel("shape", "a shadow without a model")
        model = update.model if update.role == "shadow" else None
        self.shadow = Served(model, update.activation, update.schema) if model else None
        self._last_shadow = (update.activation, model.version if model else None)
        return self.shadow

    def last(self, key: Key) -> tuple[int, int | None]:
        """The activation of the last update under `key`, and its model's version; (0, None) before any.

        The last update of the shadow may have had role `none`, and its shadow may have been dropped.
        """
        if key == "shadow":
            return self._last_shadow
        return (0, None) if self.current is None else (self.current.activation, self.current.model.version)

    def drop_shadow(self) -> None:
        """Remove the shadow until another one arrives."""
        self.shadow = None

    async def loaded(self) -> Served:
        """Wait for the first model, and return the live one."""
        await self._loaded.wait()
        if self.current is None:
            raise RuntimeError("loaded without a model")
        return self.current
