"""The one mutable cell: the model that answers now. A swap rebinds one reference, by activation."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from schemas.errors import BadModel
from schemas.model import Model
from schemas.updates import Update


@dataclass(frozen=True, slots=True)
class Served:
    """A model and the activation that made it live."""

    model: Model
    activation: int


class LiveModel:
    """Holds the champion of this process. Read `current` once per chunk, so that one model scores all of it."""

    def __init__(self) -> None:
        self.current: Served | None = None
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

    async def loaded(self) -> Served:
        """Wait for the first model, and return the live one."""
        await self._loaded.wait()
        if self.current is None:
            raise RuntimeError("loaded without a model")
        return self.current
