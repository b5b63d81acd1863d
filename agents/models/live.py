"""The one mutable cell: the model that answers now, and its shadow. A swap rebinds one reference, by activation."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from relearn.schemas.errors import BadModel
from relearn.schemas.model.linear_svm import Model
from relearn.schemas.model.updates import Update


@dataclass(frozen=True, slots=True)
class Served:
    """A model and the activation that made it live."""

    model: Model
    activation: int


class LiveModel:
    """Holds the champion of this process and its shadow.

    Read `current` once per chunk, and `shadow` in the same breath (nothing awaited in between), so that one champion
    and one shadow score all of it. A shadow may be here before any champion; nobody scores with it until there is one.
    """

    def __init__(self) -> None:
        self.current: Served | None = None
        self.shadow: Served | None = None
        # The last word on the shadow, `none` too: its activation, and the version, if it was one.
        self._shadow_word: tuple[int, int | None] = (0, None)
        self._loaded = asyncio.Event()

    def swap(self, update: Update) -> Served:
        """Make the update's model live.

        Raises:
            BadModel: with reason `stale`: the live model's activation is as high or higher; it stays.
        """
        live = self.current
        if live is not None and update.activation <= live.activation:
            raise BadModel("stale", f"activation {update.activation}; {live.activation} is live")
        if update.model is None:
            raise BadModel("shape", "a champion without a model")
        self.current = Served(update.model, update.activation)
        self._loaded.set()
        return self.current

    def swap_shadow(self, update: Update) -> Served | None:
        """Make the update's model the shadow; role `none`: from now on there is none.

        Shadows and nones are ordered by activation among themselves, whatever the champion's is.

        Raises:
            BadModel: with reason `stale`: the last word on the shadow has an activation as high or higher; it stays.
        """
        last, _ = self._shadow_word
        if update.activation <= last:
            raise BadModel("stale", f"activation {update.activation}; the last word on the shadow is {last}")
        if update.role == "shadow" and update.model is None:
            raise BadModel("shape", "a shadow without a model")
        model = update.model if update.role == "shadow" else None
        self._shadow_word = (update.activation, model.version if model else None)
        self.shadow = Served(model, update.activation) if model else None
        return self.shadow

    @property
    def shadow_activation(self) -> int:
        """The activation of the last word on the shadow, `none` too; 0 before any."""
        return self._shadow_word[0]

    def drop_shadow(self) -> None:
        """Do without the shadow until another one comes."""
        self.shadow = None

    def has_taken(self, update: Update) -> bool:
        """Whether this is the very update that was taken last under its key: published again, or read again."""
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
