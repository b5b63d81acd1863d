"""The retrain role: `commands` → jobs → training → models and activations → the champion on `model-updates`.

    commands ─▶ agent: CommandDesk ─▶ jobs ─▶ task: run_jobs ─▶ models, activations ─▶ task: Mender ─▶ model-updates

Five things go on side by side, and Postgres is what they share: commands are written down and obeyed as they come,
also while a training runs; one training at a time runs, in a process of its own, or its model shadows the champion; a
champion that reviews show to be worse than the one before it is rolled back; whenever the last word on the topic isn't
the newest activation in Postgres, that is published; and what has changed is told to those who follow the live events.
"""

from __future__ import annotations

from typing import Any

import faust
from faust.types import TP

from relearn.agents.models.feed import attach_model_feed
from relearn.agents.models.live import LiveModel
from relearn.agents.models.signing_keys import load_signer, load_verifier
from relearn.agents.retrain.announce import Announcer
from relearn.agents.retrain.commands import CommandDesk
from relearn.agents.retrain.context import Retraining
from relearn.agents.retrain.job_loop import run_jobs
from relearn.agents.retrain.reconcile import Mender
from relearn.agents.retrain.rollback_watch import watch_champion
from relearn.agents.stores.training.activations import Seal
from relearn.agents.worker.app import make_app
from relearn.agents.worker.driver import chunk_topic
from relearn.agents.worker.heartbeat import WorkerState, attach_heartbeat
from relearn.agents.worker.loop import process
from relearn.agents.worker.readiness import announce_readiness, assigned
from relearn.agents.worker.shutdown import until_stopped
from relearn.agents.worker.watchdog import attach_watchdog
from relearn.schemas.errors import SettingsError
from relearn.schemas.model.signing import Signer, Verifier
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name


def build(settings: Settings, worker_id: str | None) -> faust.App:
    """The Faust app of one retrain worker. Only the one that is given the commands works; others stand by.

    Raises:
        SettingsError: there is no key to sign with, or nobody would trust it.
    """
    signer = load_signer(settings)
    verifier = trusted_verifier(settings, signer)
    app = make_app(settings, "retrain", worker_id)
    live = LiveModel()
    commands = topic_name(settings.namespace, "commands")
    retraining = Retraining(
        settings,
        WorkerState(worker_id or "retrain", "retrain", live=live),
        attach_model_feed(app, settings, live, verifier),
        live,
        Seal(settings.namespace, signer),
        stop=lambda: app.should_stop,
        in_charge=lambda: TP(commands, 0) in assigned(app),
    )
    desk, mender, announcer = CommandDesk(retraining), Mender(retraining), Announcer(retraining)

    async def take_commands(stream: Any) -> None:
        await process(app, stream, desk.take)

    async def train_models() -> None:
        await until_stopped(app, lambda: run_jobs(retraining))

    async def watch() -> None:
        await until_stopped(app, lambda: watch_champion(retraining))

    async def mend_topic() -> None:
        await until_stopped(app, mender.run)

    async def tell() -> None:
        await until_stopped(app, announcer.run)

    async def close(*_: Any, **__: Any) -> None:
        await desk.close()
        mender.close()
        await announcer.close()
        retraining.close()

    app.agent(chunk_topic(app, commands))(take_commands)
    app.task(train_models)
    app.task(watch)
    app.task(mend_topic)
    app.task(tell)
    announce_readiness(app, retraining.state, waiting_for="Kafka and Postgres", holds=lambda: mender.ready)
    attach_heartbeat(app, settings, retraining.state)
    attach_watchdog(app, retraining.state)
    app.on_before_shutdown.connect(close, weak=False)
    return app


def trusted_verifier(settings: Settings, signer: Signer) -> Verifier:
    """The keys that the namespace's processes trust, among them the signer's.

    Raises:
        SettingsError: they are known, and the signer's isn't among them.
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
