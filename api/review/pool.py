"""The candidates for review in one process, and serving them.

A bounded pool of the newest predictions, read again each second and rescored when the live model changes.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from relearn.agents.learning.encode import square_distances
from relearn.agents.learning.onto_model import onto_model
from relearn.agents.learning.predict import score
from relearn.agents.learning.review_choice import Candidate, Choice, certainty, choose, share_under_drift
from relearn.agents.learning.usable_rows import scorable
from relearn.agents.models.live import LiveModel
from relearn.agents.stores.postgres import Pool
from relearn.agents.stores.predictions.review_candidates import POOL, StreamEnd, read_review_candidates
from relearn.api.http.single_flight import SingleFlight
from relearn.api.review.claims import Claims
from relearn.schemas.features import NO_STRINGS, StringOf
from relearn.schemas.model.linear_svm import Features, Model
from relearn.schemas.schema_versions import Projection

REFRESH_S = 1.0
#: Records closer than this many standard deviations are near-duplicates.
NEAR = 0.1


class Taken(NamedTuple):
    """The choices taken, and how many unclaimed candidates are left, one per subject.

    `at_least`: the pool is full, so that more candidates may wait in Postgres.
    """

    choices: list[Choice]
    waiting: int
    at_least: bool


class ReviewPool:
    """Serves each record to one reviewer. `audit`: the share of records chosen at random."""

    def __init__(
        self,
        pool: Pool,
        live: LiveModel,
        claims: Claims,
        *,
        audit: float,
        rng: np.random.Generator | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pool = pool
        self._live = live
        self._claims = claims
        self._audit = audit
        self._rng = rng or np.random.default_rng()
        self._clock = clock
        self._turn = asyncio.Lock()
        self._reading = SingleFlight(self._read)
        self._seen: StreamEnd | None = None
        self._seen_s = 0.0
        self._activation: int | None = None

    async def take(self, limit: int) -> Taken:
        """Claim at most `limit` records for one reviewer.

        Raises:
            PostgresUnavailable: retryable.
        """
        return await self._choose(limit, self._claims.claim)

    async def look(self, limit: int) -> Taken:
        """As `take`, without claims: the records may be served to another reviewer."""

        async def unclaimed(key: str) -> bool:
            return True

        return await self._choose(limit, unclaimed)

    async def _choose(self, limit: int, claim: Callable[[str], Awaitable[bool]]) -> Taken:
        if self._seen is None or self._clock() - self._seen_s >= REFRESH_S:
            await self._reading.result()
        async with self._turn:
            seen = self._rescored()
            taken, chosen = set(seen.said), list[Choice]()
            claimed = self._claims.ours()
            left = [one for one in seen.candidates if one.key not in claimed]
            share = share_under_drift(self._audit, seen.drifted)
            while len(chosen) < limit:
                choice = choose(left, taken=taken, audit_share=share, rng=self._rng)
                if choice is None:
                    break
                key = choice.candidate.key
                left = [one for one in left if one.key != key]
                taken |= near(choice.candidate, left, self._model(), seen.string_of, self._onto(seen))
                if await claim(key):
                    chosen.append(choice)
            waiting = len({one.key for one in seen.candidates} - self._claims.ours())
            return Taken(chosen, waiting, at_least=len(seen.candidates) >= POOL)

    async def give_back(self, choices: Sequence[Choice]) -> None:
        """Release choices that weren't served."""
        await self._claims.release([choice.candidate.key for choice in choices])

    def _model(self) -> Model | None:
        served = self._live.current
        return None if served is None else served.model

    def _onto(self, seen: StreamEnd) -> Projection | None:
        """Of the candidates' rows onto what the live model scores; None: they are that."""
        served, chain = self._live.current, seen.chain
        if served is None or chain is None:
            return None
        return onto_model(chain, chain.newest.number, served.model, served.schema)

    async def _read(self) -> None:
        self._seen, self._seen_s, self._activation = await read_review_candidates(self._pool), self._clock(), None

    def _rescored(self) -> StreamEnd:
        """The candidates read last, scored by the live model."""
        assert self._seen is not None
        served = self._live.current
        activation = None if served is None else served.activation
        if served is not None and self._activation != activation:
            self._seen = replace(
                self._seen,
                candidates=rescored(self._seen.candidates, served.model, self._seen.string_of, self._onto(self._seen)),
            )
            self._activation = activation
        return self._seen


def near(
    chosen: Candidate,
    others: Sequence[Candidate],
    model: Model | None,
    string_of: StringOf = NO_STRINGS,
    onto: Projection | None = None,
) -> set[str]:
    """Keys of near-duplicates of `chosen`: their reviews would add little.

    The distance is the root mean square over the features, in units of the model's scale; of a category or a text it is
    that of its columns. onto: projects the rows onto the model's.
    """
    fitting = [one for one in others if len(one.features) == len(chosen.features)]
    width = 0 if model is None else len(model.schema) if onto is None else onto.width
    if model is None or not fitting or width != len(chosen.features):
        return set()
    rows = np.array([chosen.features, *(one.features for one in fitting)], dtype=np.float64)
    if onto is not None:
        rows = onto.rows(rows)
    close = np.sqrt(square_distances(model, rows, string_of) / len(model.schema)) < NEAR
    return {one.key for one, is_close in zip(fitting, close, strict=True) if is_close}


def rescored(
    candidates: Sequence[Candidate],
    model: Model,
    string_of: StringOf = NO_STRINGS,
    onto: Projection | None = None,
) -> list[Candidate]:
    """The candidates with `model`'s certainty; those that it can't score keep theirs. onto: as in `near`."""

    def row_of(one: Candidate) -> Features:
        return one.features if onto is None else onto.row(one.features)

    fitting, rows = scorable(candidates, row_of, len(model.schema), model.encoder)
    if not fitting:
        return list(candidates)
    scores = score(model, rows, string_of)
    known = zip(fitting, scores.confidence.tolist(), scores.margins.tolist(), strict=True)
    sure = {one.place: certainty(None if chance != chance else chance, margins) for one, chance, margins in known}  # noqa: PLR0124 - NaN
    return [one._replace(certainty=sure.get(one.place, one.certainty)) for one in candidates]
