"""Whether a training would learn nothing: its examples are those of a model that exists."""

from __future__ import annotations

from relearn.agents.learning.snapshot import Snapshot
from relearn.agents.learning.training_set import set_digest
from relearn.agents.learning.trial import Trial


def nothing_new(snapshot: Snapshot, trial: Trial) -> str | None:
    """Why a training would learn nothing: its examples are those of the model trained last, or of the champion.

    None where they differ.
    """
    digest, champion = set_digest(trial.examples), snapshot.champion
    if snapshot.newest is not None and snapshot.newest[2] == digest:
        version, state, _ = snapshot.newest
    elif champion is not None and champion.digest == digest:
        version, state = champion.model.version, "champion"
    else:
        return None
    which = "the champion" if state == "champion" else state
    return f"nothing new to learn: model {version}, {which}, was trained on these very examples"
