"""The retrain role: `commands` → jobs → training → models and activations → the champion on `model-updates`.

    commands ─▶ agent: CommandHandler ─▶ jobs ─▶ task: run_trainings ─▶ models, activations
                                                                             │
                                 model-updates ◀─ task: ActivationReconciler ◀┘

Six tasks run side by side and share their state in Postgres. The agent writes a job for each command, also while a
training runs. `run_trainings` runs one training at a time, in a process of its own. `judge_shadows` judges the model
that scores beside the champion. `watch_champion` rolls back a champion that reviews show to be worse than its
predecessor. The reconciler publishes the newest activation whenever the topic differs from Postgres. The announcer
appends changes to the live events.
"""

from __future__ import annotations

from typing import Any

import faust
from faust.types import TP

from relearn.agents.kafka.limits import MessageLimits
from relearn.agents.models.live import LiveModel
from relearn.agents.models.signing_keys import load_signer, load_verifier
from relearn.agents.retrain.announce import Announcer
from relearn.agents.retrain.commands import CommandHandler
from relearn.agents.retrain.context import RetrainContext
from relearn.agents.retrain.job_loop import judge_shadows, run_trainings
from relearn.agents.retrain.reconcile import ActivationReconciler
from relearn.agents.retrain.rollback_watch import watch_champion
from relearn.agents.worker.app import make_app
from relearn.agents.worker.consumer import chunk_topic
from relearn.agents.worker.heartbeat import attach_heartbeat
from relearn.agents.worker.loop import process_chunks
from relearn.agents.worker.model_feed import attach_model_feed
from relearn.agents.worker.offset_watch import attach_offset_watch
from relearn.agents.worker.readiness import assigned, attach_readiness
from relearn.agents.worker.shutdown import run_until_stopped
from relearn.agents.worker.state import WorkerState
from relearn.agents.worker.watchdog import attach_watchdog
from relearn.schemas.errors import SettingsError
from relearn.schemas.model.signatures import Signer, Verifier
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name


def build(settings: Settings, worker_id: str | None) -> faust.App:
    """The Faust app of one retrain worker. The worker with the partition of `commands` works, the others stand by.

    Raises:
        SettingsError: there is no signing key, or the verify keys don't include it.
    """
    signer = load_signer(settings)
    verifier = trusted_verifier(settings, signer)
    app = make_app(settings, "retrain", worker_id)
    live = LiveModel()
    commands = topic_name(settings.namespace, "commands")
    state = WorkerState(worker_id or "retrain", "retrain", live=live)
    context = RetrainContext(
        settings,
        state,
        attach_model_feed(app, settings, live, state.notices, verifier),
        live,
        signer,
        MessageLimits(settings),
        stop=lambda: app.should_stop,
        in_charge=lambda: TP(commands, 0) in assigned(app),
    )
    desk, reconciler, announcer = CommandHandler(context), ActivationReconciler(context), Announcer(context)

    async def take_commands(stream: Any) -> None:
        await process_chunks(app, context.state, stream, desk.take, stop=context.stop)

    async def train_models() -> None:
        await run_until_stopped(app, lambda: run_trainings(context))

    async def judge() -> None:
        await run_until_stopped(app, lambda: judge_shadows(context))

    async def watch() -> None:
        await run_until_stopped(app, lambda: watch_champion(context))

    async def mend_topic() -> None:
        await run_until_stopped(app, reconciler.run)

    async def tell() -> None:
        await run_until_stopped(app, announcer.run)

    async def close(*_: Any, **__: Any) -> None:
        await desk.close()
        reconciler.close()
        await announcer.close()
        context.close()

    app.agent(chunk_topic(app, commands))(take_commands)
    app.task(train_models)
    app.task(judge)
    app.task(watch)
    app.task(mend_topic)
    app.task(tell)
    attach_readiness(app, context.state, waiting_for="Kafka and Postgres", holds=lambda: reconciler.ready)
    attach_heartbeat(app, settings, context.state)
    attach_offset_watch(app, settings, context.state)
    attach_watchdog(app, context.state)
    app.on_before_shutdown.connect(close, weak=False)
    return app


def trusted_verifier(settings: Settings, signer: Signer) -> Verifier:
    """The keys that the namespace's processes trust, among them the signer's.

    Raises:
        SettingsError: they are configured, and the signer's key isn't among them.
    """
    try:
        verifier = load_verifier(settings)
    except SettingsError:
        if settings.verify_keys:
            raise
        verifier = Verifier({signer.key_id: signer.key.public_key()})
    if signer.key_id not in verifier.keys:
        raise SettingsError(
            f"RELEARN_VERIFY_KEYS: none of them belongs to the signing key {signer.key_id}; "
            "every worker would refuse its models"
        )
    return verifier
