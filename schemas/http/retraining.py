"""Retraining: triggers of automatic training, its obstacles, and the shadow model."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from relearn.schemas.http.jobs import FOLLOW, OpenJob, ShadowJob
from relearn.schemas.http.operation import AcceptedCommand, Count, Operation, Time, Version

TriggerName = Literal["count", "labels", "rate", "drift", "schedule"]
AlertCode = Literal["unlearned", "limited", "no-evidence"]
LoopStateName = Literal[
    "training", "no-champion", "on-hold", "after-rollback", "cooldown", "training-due", "shadow", "waiting"
]


class RetrainTrigger(Struct, frozen=True):
    """One trigger of automatic training."""

    name: TriggerName
    threshold: Annotated[float | None, Meta(description="Null: the trigger is off.")]
    value: Annotated[float | None, Meta(description="The current value; null: nothing to measure.")]
    met: bool
    progress: Annotated[str, Meta(description="The current value against the threshold, as text.")]
    waits_for: Annotated[str, Meta(description="What is missing, as text; empty if met.")]
    wait_s: Annotated[
        float | None, Meta(description="Seconds until it is met without new facts; null: it needs new facts.")
    ]


class PromotionHold(Struct, frozen=True):
    """Automatic promotion is on hold: by a `hold` command, or by a manual activation or rollback."""

    command: Literal["hold", "activate", "rollback"]
    by: str | None
    version: Annotated[Version | None, Meta(description="The model that was activated or rolled back to.")]
    since: Time
    words: Annotated[str, Meta(description="What holds it, by whom and since when, as text.")]


class ShadowTrial(Struct, frozen=True):
    """A challenger that scores the live stream beside the champion, and the evidence between the two so far.

    fixed: reviewed records where the champion is wrong and the shadow right; broken: the reverse.
    """

    version: Version
    job: str
    champion: Annotated[Version, Meta(description="The champion that the shadow is compared with.")]
    since: Time
    fixed: Count
    broken: Count
    labels: Annotated[Count, Meta(description="Reviewed records that both models scored.")]
    evidence: Annotated[float, Meta(description="fixed · ln 1.5 + broken · ln 0.5")]
    promotes_at: Annotated[float, Meta(description="Evidence at which the shadow is promoted.")]
    rejects_at: Annotated[float, Meta(description="Evidence at which the shadow is rejected.")]
    labels_limit: Annotated[Count, Meta(description="Number of labels after which the shadow is rejected.")]
    time_limit_s: Annotated[float, Meta(description="Seconds after which the shadow is rejected.")]
    elapsed_s: float


class Unlearned(Struct, frozen=True):
    """What no training has known, and the numbers above which that is an alert."""

    corrections: Count
    labels: Annotated[Count, Meta(description="Corrections and confirmations.")]
    more: Annotated[bool, Meta(description="There are more: only the first statements are counted.")]
    waiting: Annotated[
        Count, Meta(description="Other labels: those that the newest training left for later ones, of one reviewer.")
    ]
    most_corrections: Annotated[Count, Meta(description="Three times the corrections that are needed now.")]
    most_labels: Annotated[Count, Meta(description="Three times the labels that start a training.")]


class RetrainingAlert(Struct, frozen=True):
    """Something that is wrong, with the remedy."""

    code: Annotated[
        AlertCode,
        Meta(
            description="unlearned: there is too much that no training has known. limited: too many labels of one "
            "reviewer wait for later trainings."
        ),
    ]
    detail: str
    since: Annotated[Time | None, Meta(description="Null: not known.")]


class Retraining(Struct, frozen=True):
    """State of automatic training: what it is doing and since when, its triggers, obstacles, hold and shadow."""

    state: Annotated[
        LoopStateName,
        Meta(
            description="What the learning loop is doing. Of several the first in this order: a training is queued or "
            "runs; there is no champion yet; training is on hold; it waits for new corrections after an automatic "
            "rollback; a trigger is met and the cooldown lasts; a training is asked for; a shadow answers, and the "
            "next training waits for its triggers; the next training waits for its triggers."
        ),
    ]
    sentence: Annotated[str, Meta(description="The state in one sentence, with the numbers that decide.")]
    since: Annotated[
        Time | None, Meta(description="When the state began, of a shadow when it began to answer; null: not known.")
    ]
    alerts: list[RetrainingAlert]
    unlearned: Unlearned
    words: Annotated[str, Meta(description="The policy's decision in one line.")]
    trigger: Annotated[
        TriggerName | None,
        Meta(description="The trigger that is met without an obstacle: a training follows. Null: none."),
    ]
    triggers: list[RetrainTrigger]
    obstacles: Annotated[list[str], Meta(description="Obstacles to any training, as text.")]
    wake_s: Annotated[
        float | None, Meta(description="Seconds until a training follows without new facts; null: it needs new facts.")
    ]
    champion: Version | None
    activation: int | None
    corrections: Annotated[Count, Meta(description="Corrections that no training has known.")]
    labels: Annotated[Count, Meta(description="Corrections and confirmations that no training has known.")]
    rejections: Annotated[Count, Meta(description="Consecutive trainings that ended rejected.")]
    last_ended_at: Annotated[Time | None, Meta(description="When the last training ended.")]
    open_job: OpenJob
    shadow_job: ShadowJob
    hold: Annotated[PromotionHold | None, Meta(description="Null: automatic training and promotion are not on hold.")]
    shadow: ShadowTrial | None


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "get_retraining",
        "GET",
        "/v1/retraining",
        "Models",
        "Triggers of automatic training with threshold and current value, and the obstacles.",
        description="Thresholds are those of this process's settings: all processes of a namespace need equal ones.",
        answer=Retraining,
        fails=("unavailable",),
    ),
    Operation(
        "hold_retraining",
        "POST",
        "/v1/retraining/hold",
        "Models",
        "Hold automatic training and promotion until they are resumed. Manual activation still works.",
        role="admin",
        description=f"{FOLLOW} The job is `skipped` if they are on hold already.",
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
        "Activate the former champion. Automatic promotion is on hold afterwards until it is resumed.",
        role="admin",
        description=f"{FOLLOW} The job is `skipped` without a former champion. Sent again before the former champion "
        "is live, the request returns the same job.",
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
        "Resume automatic training and promotion.",
        role="admin",
        description=f"{FOLLOW} The job is `skipped` if nothing is on hold.",
        answer=AcceptedCommand,
        status=202,
        fails=("unavailable",),
        idempotent=True,
    ),
)
