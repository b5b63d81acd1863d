"""Retraining: when models are trained by themselves, what stands in the way, and what is known of the next one."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from relearn.schemas.http.jobs import FOLLOW
from relearn.schemas.http.operation import AcceptedCommand, Count, Operation, Time, Version

TriggerName = Literal["count", "labels", "rate", "drift", "schedule"]


class RetrainTrigger(Struct, frozen=True):
    """One reason to train by itself."""

    name: TriggerName
    threshold: Annotated[float | None, Meta(description="Null where it is off.")]
    value: Annotated[float | None, Meta(description="Now; null where there is nothing to measure.")]
    met: bool
    progress: Annotated[str, Meta(description="How far it is, in words.")]
    waits_for: Annotated[str, Meta(description="What is missing, in words; empty once it is met.")]
    wait_s: Annotated[
        float | None, Meta(description="How long until it is met if nothing but time passes; null: time isn't enough.")
    ]


class PromotionHold(Struct, frozen=True):
    """Who stopped automatic promotion, and how: activating or rolling back by hand holds too."""

    command: Literal["hold", "activate", "rollback"]
    by: str | None
    version: Annotated[Version | None, Meta(description="The model that was activated, or returned to.")]
    since: Time


class ShadowTrial(Struct, frozen=True):
    """A challenger that answers beside the champion, unseen, and what reviews say of the two so far.

    It fixes a record where the champion is wrong and it is right, and breaks one of the reverse.
    """

    version: Version
    job: str
    champion: Annotated[Version, Meta(description="The model that it is compared with.")]
    since: Time
    fixed: Count
    broken: Count
    labels: Annotated[Count, Meta(description="Reviewed records that both have answered.")]
    evidence: Annotated[float, Meta(description="fixed · ln 1.5 + broken · ln 0.5")]
    promotes_at: Annotated[float, Meta(description="The evidence at which it becomes the champion.")]
    rejects_at: Annotated[float, Meta(description="The evidence at which it is rejected.")]
    labels_limit: Annotated[Count, Meta(description="After so many labels it is rejected all the same.")]
    time_limit_s: Annotated[float, Meta(description="And after so long.")]
    elapsed_s: float


class Retraining(Struct, frozen=True):
    """Whether a model is about to be trained, and why or why not."""

    words: Annotated[str, Meta(description="All of it in one line.")]
    trigger: Annotated[TriggerName | None, Meta(description="Met, with nothing in the way: a training is asked for.")]
    triggers: list[RetrainTrigger]
    obstacles: Annotated[list[str], Meta(description="What stands in the way of any training, in words.")]
    wake_s: Annotated[
        float | None, Meta(description="How long until time alone makes it a training; null: only new facts can.")
    ]
    champion: Version | None
    activation: int | None
    corrections: Annotated[Count, Meta(description="New since the last training ended.")]
    labels: Annotated[Count, Meta(description="The same, confirmations too.")]
    rejections: Annotated[Count, Meta(description="Trainings in a row that ended rejected.")]
    last_ended_at: Annotated[Time | None, Meta(description="When the last training ended.")]
    open_job: Annotated[str | None, Meta(description="The training that is open.")]
    hold: Annotated[PromotionHold | None, Meta(description="Null: models are trained and promoted by themselves.")]
    shadow: ShadowTrial | None


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "get_retraining",
        "GET",
        "/v1/retraining",
        "Models",
        "When a model is trained by itself: each trigger with its threshold and value now, and what stands in its way.",
        description="Thresholds are those of this process's settings: give all processes of a namespace the same.",
        answer=Retraining,
        fails=("unavailable",),
    ),
    Operation(
        "hold_retraining",
        "POST",
        "/v1/retraining/hold",
        "Models",
        "Stop automatic training and promotion until they are resumed. Activating by hand still works.",
        role="admin",
        description=f"{FOLLOW} It is `skipped` where they are on hold already.",
        answer=AcceptedCommand,
        status=202,
        fails=("unavailable",),
        idempotent=True,
    ),
    Operation(
        "rollback_champion",
        "POST",
        "/v1/retraining/rollback",
        "Models",
        "Return to the former champion. Automatic promotion is on hold afterwards, until it is resumed.",
        role="admin",
        description=f"{FOLLOW} It is `skipped` where there is no former champion. Said again before the former one "
        "answers, it is the same job.",
        answer=AcceptedCommand,
        status=202,
        fails=("unavailable",),
        idempotent=True,
    ),
    Operation(
        "resume_retraining",
        "POST",
        "/v1/retraining/resume",
        "Models",
        "Let models be trained and promoted by themselves again.",
        role="admin",
        description=f"{FOLLOW} It is `skipped` where nothing is on hold.",
        answer=AcceptedCommand,
        status=202,
        fails=("unavailable",),
        idempotent=True,
    ),
)
