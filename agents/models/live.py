"""The live model and its shadow: the one mutable reference. A swap rebinds it, in the order of activations."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from relearn.schemas.errors import BadModel
from relearn.schemas.model.linear_svm import Model
from relearn.schemas.model.updates import Update


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
        self._shadow_word: tuple[int, int | None] = (0, None)
        self._loaded = asyncio.Event()

    def swap(self, update: Update) -> Served:
        """Make the update's model live.

        Raises:
            BadModel: with reason `stale`: the live model's activation is as high or higher. The live model stays.
        """
        live = self.current
        if live is not None and update.activation <= live.activation:
            raise BadModel("stale", f"activation {update.activation}; {live.activation} is live")
        if update.model is None:
            raise BadModel("shape", "a champion without a model")
        self.current = Served(update.model, update.activation, update.schema)
        self._loaded.set()
        return self.current

    def swap_shadow(self, update: Update) -> Served | None:
        """Make the update's model the shadow. With role `none` there is no shadow from now on.

        Updates of roles `shadow` and `none` are ordered by activation among themselves, independent of the champion.

        Raises:
            BadModel: with reason `stale`: the last update of the shadow has an activation as high or higher, and stays.
        """
        last, _ = self._shadow_word
        if update.activation <= last:
            raise BadModel("stale", f"activation {update.activation}; the last word on the shadow is {last}")
        if update.role == "shadow" and update.model is None:
            raise BadModel("shape", "a shadow without a model")
        model = update.model if update.role == "shadow" else None
        self._shadow_word = (update.activation, model.version if model else None)
        self.shadow = Served(model, update.activation, update.schema) if model else None
        return self.shadow

    @property
    def shadow_activation(self) -> int:
        """The activation of the last update of the shadow, role `none` included; 0 before any."""
        return self._shadow_word[0]

    def drop_shadow(self) -> None:
        """Remove the shadow until another one arrives."""
        self.shadow = None

    def has_taken(self, update: Update) -> bool:
        """Whether this update is the one that was applied last under its key, published or read again."""
        version = update.model.version if update.model else None
        if update.key == "shadow":
            return self._shadow_word == (update.activation, version)
        live = self.current
        return live is not None and (live.activation, live.model.version) == (update.activation, version)

    async def loaded(self) -> Served:
        """Wait for the first model, and return the live one."""
        await self._loaded.wait()
        if self.current is None:
            raise RuntimeError("loaded without a model")
        return self.current
