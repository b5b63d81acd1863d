"""The `reason` and the `metrics` of jobs, models and activations, as the document describes them.

Postgres keeps both as JSON. Answers contain them unchanged and unchecked, so that rows of other versions stay readable:
every property may be missing, and there may be others.
"""

from __future__ import annotations

from typing import Annotated, TypedDict

from msgspec import Meta

from relearn.schemas.http.operation import Count


class Reason(TypedDict, total=False):
    """The trigger of a command, and the facts that it was sent on. Commands of other programs may have other facts."""

    trigger: Annotated[
        str,
        Meta(
            description="`count`, `labels`, `rate`, `drift` or `schedule`: the policy; `evidence`: the automatic "
            "rollback; `bootstrap`: labelled data was loaded; `import`: a model was imported; `manual`: a person.",
            examples=["count"],
        ),
    ]
    champion: Annotated[int | None, Meta(description="Version of the champion.")]
    activation: Annotated[int | None, Meta(description="Activation of the champion.")]
    cut: Annotated[int, Meta(description="Id of the newest correction that the policy read.")]
    corrections: Annotated[int, Meta(description="New corrections.")]
    labels: Annotated[int, Meta(description="New corrections and confirmations.")]
    rejections: Annotated[int, Meta(description="Consecutive trainings that ended rejected.")]
    corrections_needed: Annotated[int, Meta(description="Threshold of `count`.")]
    labels_needed: Annotated[int, Meta(description="Threshold of `labels`.")]
    audit_rows: Annotated[int, Meta(description="`rate`: audits of the champion's predictions.")]
    audit_corrected: Annotated[int, Meta(description="`rate`: audits that corrected the prediction.")]
    rate: Annotated[float | None, Meta(description="`rate`: its threshold.")]
    drifted: Annotated[list[str], Meta(description="`drift`: names of drifted features, at most 100.")]
    drifted_count: Annotated[int, Meta(description="`drift`: number of drifted features.")]
    forced: Annotated[bool, Meta(description="An `activate` of a model that was rejected or rolled back was forced.")]
    every_s: Annotated[float | None, Meta(description="`schedule`: its interval in seconds.")]
    last_ended_s: Annotated[
        float | None, Meta(description="`schedule`: end of the last training, in seconds since 1970.")
    ]
    source: Annotated[str, Meta(description="`bootstrap`: name of the data.")]
    rows: Annotated[int, Meta(description="`bootstrap`: rows of the data; `evidence`: records compared.")]
    new: Annotated[int, Meta(description="`bootstrap`: rows that were not loaded before.")]
    file: Annotated[str, Meta(description="`import`: name of the file.")]
    sha256: Annotated[str, Meta(description="`import`: SHA-256 of the file, in hex.")]
    bytes: Annotated[int, Meta(description="`import`: size of the file.")]
    estimator: Annotated[str, Meta(description="`import`: what scikit-learn's pipeline consisted of.")]
    knows_labels: Annotated[
        bool, Meta(description="`import`: it was trained on labels of the namespace, which therefore don't judge it.")
    ]
    former: Annotated[int, Meta(description="`evidence`: version of the former champion.")]
    fixed: Annotated[int, Meta(description="`evidence`: records where only the champion was right.")]
    broken: Annotated[int, Meta(description="`evidence`: records where only the former champion was right.")]


class ClassCounts(TypedDict, total=False):
    """Counts of one class, out of fold."""

    examples: Annotated[Count, Meta(description="Examples of the class.")]
    answered: Annotated[Count, Meta(description="Examples predicted as the class.")]
    right: Annotated[Count, Meta(description="Examples of the class predicted as the class.")]


class BootstrapCounts(TypedDict, total=False):
    """Counts of the examples that were loaded as labelled data, out of fold."""

    examples: Count
    right: Count


class Imported(TypedDict, total=False):
    """Where a model comes from that was made elsewhere: facts of the command's reason."""

    file: Annotated[str, Meta(description="Name of the file.")]
    sha256: Annotated[str, Meta(description="SHA-256 of the file, in hex.")]
    estimator: Annotated[str, Meta(description="What scikit-learn's pipeline consisted of.")]
    knows_labels: Annotated[bool, Meta(description="It was trained on labels of the namespace.")]


class TrainingMetrics(TypedDict, total=False):
    """Quality of a model on its labelled examples, each predicted out of fold.

    Of a model that was imported: on the labelled examples of the namespace at that time; nothing where there were none.
    """

    imported: Annotated[Imported, Meta(description="Only of a model that was imported; it has no training set.")]

    examples: Annotated[Count, Meta(description="Labelled examples.")]
    accuracy: Annotated[float, Meta(description="Share of right predictions.")]
    majority: Annotated[float, Meta(description="Share of the most frequent class.")]
    majority_class: Annotated[str, Meta(description="The most frequent class.")]
    per_class: dict[str, ClassCounts]
    confusion: Annotated[
        list[list[Count]],
        Meta(description="A row per true class and a column per predicted class, in the order of `per_class`."),
    ]
    c: Annotated[float, Meta(description="The chosen regularisation parameter C.")]
    set_aside: Annotated[
        dict[str, Count],
        Meta(
            description="Examples of classes left out, by class: the 20 largest of the classes with too few examples or"
            " beyond the maximum number of classes."
        ),
    ]
    classes_set_aside: Annotated[Count, Meta(description="Number of classes left out.")]
    assumed: Annotated[Count, Meta(description="Unreviewed predictions in the training set.")]
    bootstrap: Annotated[
        BootstrapCounts, Meta(description="Examples loaded as labelled data, which are equal for successive models.")
    ]


class LeftOutRow(TypedDict, total=False):
    """A row that training can't use."""

    id: Annotated[str, Meta(description="The example's or the correction's id, or the prediction's.")]
    source: Annotated[str, Meta(description="`bootstrap`, `reviewed` or `assumed`.")]
    reason: Annotated[
        str,
        Meta(
            description="`dimension`: another number of values; `not-finite`; `overflow`: a value too large to compute"
            " with; `far`: a value a million times as far from the median as half of the others."
        ),
    ]
    feature: Annotated[str | None, Meta(description="The first feature at fault.")]


class LeftOutRows(TypedDict, total=False):
    """The rows that training can't use, which were left out."""

    rows: Count
    reasons: Annotated[dict[str, Count], Meta(description="Rows by reason.")]
    first: Annotated[list[LeftOutRow], Meta(description="At most 20 of the rows.")]


class LimitedReviewer(TypedDict, total=False):
    """A reviewer with more new labels than a training may learn from, while others have labels too."""

    reviewer: Annotated[str | None, Meta(description="The name; null: reviews without a name.")]
    key: Annotated[str | None, Meta(description="Id of the API key that sent them; null: sent without a key.")]
    reviews: Annotated[Count, Meta(description="Reviews that wait for later jobs.")]


class LabelCounts(TypedDict, total=False):
    """Labelled examples, one per key, bootstrap examples and reviews together."""

    available: Annotated[Count, Meta(description="Those that there were.")]
    used: Annotated[
        Count, Meta(description="Those in the training set: all, or the newest and a sample of the others.")
    ]
    limit: Annotated[Count | None, Meta(description="`RELEARN_TRAIN_MAX_LABELS` at that time.")]


class TrainingSetFacts(TypedDict, total=False):
    """What a training set was made from."""

    cut: Annotated[int, Meta(description="Id of the newest correction that was read.")]
    bootstrap: Annotated[Count, Meta(description="Examples loaded as labelled data.")]
    reviewed: Annotated[Count, Meta(description="Examples from reviews.")]
    assumed: Annotated[Count, Meta(description="Unreviewed predictions with the champion's label.")]
    corrections: Annotated[Count, Meta(description="Reviews that correct.")]
    confirmations: Annotated[Count, Meta(description="Reviews that confirm.")]
    labels: LabelCounts
    waiting_for_later_jobs: Annotated[Count, Meta(description="Reviews above the limit of one reviewer.")]
    limited: Annotated[
        list[LimitedReviewer], Meta(description="Whose reviews wait for later jobs, the most first; at most 20.")
    ]
    left_out: Annotated[LeftOutRows, Meta(description="Rows that training can't use.")]
    disputed: Annotated[list[str], Meta(description="Predictions with different labels by reviewers; at most 100.")]


class ShadowCounts(TypedDict, total=False):
    """Evidence between champion and shadow so far."""

    fixed: Annotated[Count, Meta(description="Records where only the shadow is right.")]
    broken: Annotated[Count, Meta(description="Records where only the champion is right.")]
    rows: Annotated[Count, Meta(description="Records compared.")]


class EvidenceCounts(TypedDict, total=False):
    """Evidence between champion and challenger with its tests."""

    fixed: Annotated[Count, Meta(description="Records where only the challenger is right.")]
    broken: Annotated[Count, Meta(description="Records where only the champion is right.")]
    rows: Annotated[Count, Meta(description="Records compared.")]
    p: Annotated[float, Meta(description="Exact one-sided sign test.")]
    log_evidence: Annotated[float, Meta(description="fixed · ln 1.5 + broken · ln 0.5")]


class ShadowVerdict(TypedDict, total=False):
    """The end of a shadow."""

    outcome: Annotated[str, Meta(description="`promoted` or `rejected`.")]
    path: str
    why: Annotated[str, Meta(description="The decision as text.")]
    shadow: EvidenceCounts
    labels_limit: int
    elapsed_s: float
    time_limit_s: float


class GateVerdict(TypedDict, total=False):
    """The gate's decision on a model."""

    outcome: Annotated[str, Meta(description="`promoted`, `rejected` or `shadow`.")]
    path: Annotated[
        str, Meta(description="The deciding part of the gate: `first`, `vanished`, `evidence`, `silence` or `shadow`.")
    ]
    why: Annotated[str, Meta(description="The decision as text.")]
    accuracy: Annotated[float, Meta(description="`first`: as in the job's metrics.")]
    majority: Annotated[float, Meta(description="`first`: as in the job's metrics.")]
    majority_class: Annotated[str, Meta(description="`first`: as in the job's metrics.")]
    alpha: Annotated[float, Meta(description="Level of the sign tests.")]
    vanished: Annotated[list[str], Meta(description="Classes of the champion that the model lacks.")]
    evidence: Annotated[EvidenceCounts, Meta(description="On reviews other than `volunteer`.")]
    silence: Annotated[
        EvidenceCounts | None,
        Meta(
            description="On all records, unreviewed ones counting as right predictions of the champion; null: not read."
        ),
    ]
    shadow: Annotated[ShadowVerdict, Meta(description="Once a shadow has ended.")]


class JobMetrics(TrainingMetrics, total=False):
    """Metrics of a training job: quality of its model, its training set, and the gate's decision."""

    trained_on: TrainingSetFacts
    gate: GateVerdict
    shadow: Annotated[ShadowCounts, Meta(description="Evidence so far of a model that is or was the shadow.")]
