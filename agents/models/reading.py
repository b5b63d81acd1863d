"""How records are read, and which rows the live models score: all are of the newest version of the features."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from relearn.agents.learning.onto_model import onto_model
from relearn.agents.models.live import LiveModel, Served
from relearn.schemas.features import FeatureSchema
from relearn.schemas.messages.forms.versions import Versions
from relearn.schemas.schema_versions import Projection, SchemaChain


@dataclass(frozen=True, eq=False)
class Reading:
    """The live model, its shadow, and the versions of the features (None: records are of the model's own)."""

    served: Served
    shadow: Served | None = None
    chain: SchemaChain | None = None

    @property
    def schema(self) -> FeatureSchema:
        """The features that records are stored with."""
        return self.served.model.schema if self.chain is None else self.chain.newest.schema

    @property
    def version(self) -> int | None:
        """The version that records are stored in; None: that of the model."""
        if self.chain is None or self.chain.newest.number == self.served.schema:
            return self.served.schema if self.schema.strings else None
        return self.chain.newest.number

    @cached_property
    def versions(self) -> Versions | None:
        """What reads records of other versions."""
        return None if self.chain is None else Versions(self.chain)

    @cached_property
    def onto(self) -> Projection | None:
        """Of a record's row onto what the model scores; None: it is that."""
        return self._onto(self.served)

    @cached_property
    def onto_shadow(self) -> Projection | None:
        """Of a record's row onto what the shadow scores; None: it is that, or there is no shadow."""
        return None if self.shadow is None else self._onto(self.shadow)

    def _onto(self, served: Served) -> Projection | None:
        if self.chain is None:
            return None
        found = onto_model(self.chain, self.chain.newest.number, served.model, served.schema)
        return None if found is None or found.same else found


def reading_of(live: LiveModel, served: Served) -> Reading:
    """The reading for one chunk or request, to be called with no await after `served` was taken from `live`.

    It is kept: it changes with the live model, the shadow or the features.
    """
    chain, shadow, last = live.chain_of(served), live.shadow, live.reading
    if shadow is not None and not served.fits_now(shadow, chain):
        shadow = None  # of a version that isn't known yet: it answers nothing meanwhile
    known = isinstance(last, Reading) and (last.served is served and last.shadow is shadow and last.chain is chain)
    if not known:
        live.reading = last = Reading(served, shadow, chain)
    found: Reading = last
    return found
