"""Models put into the registry without a retrain worker, by the functions that it uses itself."""

from __future__ import annotations

import asyncio
import uuid

from relearn.agents.learning.fit import fit
from relearn.agents.learning.gate import job_metrics, judge_challenger
from relearn.agents.learning.trial import prepare
from relearn.agents.models.signing_keys import load_signer
from relearn.agents.stores.postgres import Connection, open_pool
from relearn.agents.stores.training.activations import ActivationCause, SigningContext, activate, begin_shadowing
from relearn.agents.stores.training.jobs import begin_shadow, end_job, queue_job
from relearn.agents.stores.training.kept_labels import KeptLabels
from relearn.agents.stores.training.models import State, register_model
from relearn.agents.stores.training.snapshot import read_admitted
from relearn.schemas.messages.commands import Command
from relearn.schemas.settings import Settings
from tests.support.data.models import ensure_keys


def register(settings: Settings, state: State = "champion") -> int:
    """Train a model on all that is known, and leave it as champion, shadow or rejected; its version."""
    ensure_keys(settings)

    async def run() -> int:
        pool = await open_pool(settings)
        try:
            snapshot, admitted = await read_admitted(pool, settings, KeptLabels())
            most, weight = settings.train_max_labels, settings.assumed_weight
            trial = prepare(snapshot, admitted, assumed_weight=weight, max_labels=most)
            fitted = fit(trial.examples)
            command = Command(str(uuid.uuid4()), "train", {"trigger": "count", "corrections": 20}, by="tests")
            async with pool.acquire() as connection, connection.transaction():
                assert await queue_job(connection, command)
                await connection.execute("UPDATE jobs SET state = 'running' WHERE id = $1", command.id)
                entry = "former" if state == "champion" else state
                version = await register_model(
                    connection, command.id, trial.examples, fitted, entry, knew=trial.knowledge
                )
                verdict = judge_challenger(trial, fitted, None, alpha=settings.gate_alpha)
                metrics, cut = job_metrics(trial, fitted, verdict), trial.facts["cut"]
                await _conclude(
                    connection, settings, state, version, ActivationCause(command.id, "tests", command.reason)
                )
                if state == "shadow":
                    await begin_shadow(connection, command.id, version, metrics, cut=cut)
                else:
                    outcome = "promoted" if state == "champion" else "rejected"
                    await end_job(connection, command.id, outcome, version=version, metrics=metrics, cut=cut)
                return version
        finally:
            pool.terminate()

    return asyncio.run(run())


async def _conclude(
    connection: Connection, settings: Settings, state: State, version: int, cause: ActivationCause
) -> None:
    signing = SigningContext(settings.namespace, load_signer(settings))
    if state == "champion":
        await activate(connection, version, cause, signing)
    elif state == "shadow":
        await begin_shadowing(connection, version, cause, signing, above=0)
