"""The live model and its shadow: the one mutable reference. `swapper` decides which update rebinds it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from relearn.schemas.errors import BadModel
from relearn.schemas.features import same_kinds
from relearn.schemas.model.linear_svm import Model
from relearn.schemas.model.signed_updates import Key, Update
from relearn.schemas.schema_versions import SchemaChain


@dataclass(frozen=True, slots=True)
class Served:
    """A model, the activation that made it live, the version of its features, and the first of their chain."""

    model: Model
    activation: int
    schema: int = 1
    base: int | None = None

    def fits(self, other: Served | Update) -> bool:
        """Whether another model is of the same features, or of a version that can be projected onto these."""
        if other.model is None or same_kinds(self.model.schema, other.model.schema):
            return True
        return self.schema != other.schema and (self.base or self.schema) == (other.base or other.schema)

    def fits_now(self, other: Served, chain: SchemaChain | None) -> bool:
        """Whether another model can score the records that this one scores, which are of these versions."""
        if chain is None:
            return same_kinds(self.model.schema, other.model.schema)
        return other.schema in chain.by_number


class LiveModel:
    """Holds the champion of this process and its shadow.

    Read `current` once per chunk, and `shadow` with no await in between, so that one champion and one shadow score the
    whole chunk. A shadow may arrive before any champion and is not used until there is one.
    """

    def __init__(self) -> None:
        self.current: Served | None = None
        self.shadow: Served | None = None
        #: The versions of the features; None: they were never changed, as far as is known.
        self.chain: SchemaChain | None = None
        #: Kept here by `reading`.
        self.reading: Any = None
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
        self.current = Served(update.model, update.activation, update.schema, update.base)
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
        self.shadow = Served(model, update.activation, update.schema, update.base) if model else None
        self._last_shadow = (update.activation, model.version if model else None)
        return self.shadow

    def last(self, key: Key) -> tuple[int, int | None]:
        """The activation of the last update under `key`, and its model's version; (0, None) before any.

        The last update of the shadow may have had role `none`, and its shadow may have been dropped.
        """
        if key == "shadow":
            return self._last_shadow
        return (0, None) if self.current is None else (self.current.activation, self.current.model.version)

    def take_chain(self, chain: SchemaChain) -> bool:
        """Records are of these versions from now on; False: they are not newer than those before.

        Raises:
            BadModel: with reason `stale`: later ones are known.
        """
        known = 0 if self.chain is None else self.chain.newest.number
        if chain.newest.number < known:
            raise BadModel("stale", f"version {chain.newest.number} of the features; {known} is known")
        if chain.newest.number == known:
            return False
        self.chain = chain
        return True

    def chain_of(self, served: Served) -> SchemaChain | None:
        """The versions that records for a model may be of; None: they are of the model's own features."""
        chain = self.chain
        return chain if chain is not None and served.schema in chain.by_number else None

    @property
    def schema(self) -> int | None:
        """The newest version of the features that is known; None before there are any."""
        known = [self.chain.newest.number] if self.chain is not None else []
        return max(known + ([self.current.schema] if self.current is not None else []), default=None)

    def drop_shadow(self) -> None:
        """Remove the shadow until another one arrives."""
        self.shadow = None

    async def loaded(self) -> Served:
        """Wait for the first model, and return the live one."""
        await self._loaded.wait()
        if self.current is None:
            raise RuntimeError("loaded without a model")
        return self.current
