"""Labels that are known before the first round: of records of a third class, far from those of the rounds.

They make every training larger, and change nothing about what is right in a round. The first half are corrections,
since the first model doesn't know the class, and the second half confirms the next model: as many of each, so that
the labels of a round alone decide whether unreviewed records join the training set (`agents.learning.assumed`).
"""

from __future__ import annotations

import asyncio
import time
import uuid

from relearn.agents.stores.postgres import Pool
from relearn.schemas.messages.commands import Command, Verb
from relearn.schemas.messages.feedback import Feedback
from relearn.schemas.messages.ingest import encode_record
from relearn.schemas.settings import Settings
from relearn.scripts.client.send_and_wait import send_and_wait
from relearn.scripts.dev.bench.loop.concept import FAR, Clusters
from relearn.scripts.dev.bench.loop.feedback_sender import REVIEWER, Sender
from relearn.scripts.dev.bench.loop.rounds import NeverLive
from relearn.scripts.render.progress import OnProgress, bar

NAMED = "known-"
PAGE = 10_000
#: Maximum time without any progress.
PATIENCE_S = 120.0
_LOOK_EVERY_S = 0.2
_LABELLED = "SELECT count(*) FROM corrections WHERE starts_with(key, $1)"


async def label_known(settings: Settings, pool: Pool, clusters: Clusters, number: int) -> None:
    """Send `number` records and the label of each, in two halves; after each, a model that knows all of them goes live.

    Raises:
        NeverLive: the labels were not stored, or no model was trained on them.
        Unavailable: a server is away.
    """
    with bar(number, "known labels") as show:
        for first, end in ((0, number // 2), (number // 2, number)):
            await _command(settings, "hold")
            await _send(settings, clusters, first, end)
            await _until_labelled(pool, end, show)
            trained = await send_and_wait(settings, _new("train"), timeout_s=PATIENCE_S)
            if trained.model is None:
                raise NeverLive(f"no model was trained on {end:,} labels: {trained.job}")
            # By hand: no gate promotes a model that answers as the champion does.
            await _command(settings, "activate", trained.model.version)
            await _command(settings, "resume")


async def _send(settings: Settings, clusters: Clusters, first: int, end: int) -> None:
    sender = Sender(settings)
    for begin in range(first, end, PAGE):
        names = [f"{NAMED}{i}" for i in range(begin, min(end, begin + PAGE))]
        rows = zip(names, clusters.far(len(names)), strict=True)
        await sender.send("ingest", [encode_record(row, record_id=name, subject=name) for name, row in rows])
        await sender.feedback(Feedback(name, FAR, record=name, reviewer=REVIEWER, via="batch") for name in names)


async def _until_labelled(pool: Pool, number: int, show: OnProgress) -> None:
    before, since = -1, time.monotonic()
    while (labels := await pool.fetchval(_LABELLED, NAMED)) < number:
        if labels > before:
            before, since = labels, time.monotonic()
        if time.monotonic() - since > PATIENCE_S:
            raise NeverLive(f"{before:,} of {number:,} labels were stored, and for {PATIENCE_S:g} s no more")
        show(labels)
        await asyncio.sleep(_LOOK_EVERY_S)


async def _command(settings: Settings, verb: Verb, version: int | None = None) -> None:
    """Raises NeverLive: the command had no effect."""
    outcome = await send_and_wait(settings, _new(verb, version), timeout_s=PATIENCE_S)
    if not outcome.promoted:
        raise NeverLive(f"{verb} had no effect: {outcome.job}")


def _new(verb: Verb, version: int | None = None) -> Command:
    return Command(str(uuid.uuid4()), verb, {}, version, by=REVIEWER, force=verb == "activate")
