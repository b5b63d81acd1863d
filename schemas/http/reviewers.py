"""Reviewers: what each has sent, and how much they agree."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from relearn.schemas.http.operation import Count, Operation, Page, PageQuery, Time

#: Number of reviews, the latest of all, over which agreement is counted.
COMPARED = 20_000


class Reviewer(Struct, frozen=True):
    """Totals of one reviewer. Repeated reviews of one prediction count each."""

    reviewer: Annotated[str | None, Meta(description="null: reviews without a name.")]
    said: Count
    corrections: Annotated[Count, Meta(description="Reviews with another label than the predicted one.")]
    confirmations: Annotated[Count, Meta(description="Reviews with the predicted label.")]
    withdrawals: Annotated[Count, Meta(description="Reviews that were withdrawn.")]
    first_at: Time
    last_at: Time
    compared: Annotated[
        Count, Meta(description="Current reviews by others of predictions that this reviewer reviewed too.")
    ]
    agreed: Annotated[Count, Meta(description="Compared reviews with the same label.")]
    agreement: Annotated[float | None, Meta(description="`agreed` / `compared`; null: nothing to compare.")]
    trusted: Annotated[
        bool,
        Meta(
            description="Whether no training limits its labels: those sent with the API key of this name that"
            " `relearn reviewer trust` names, or without a key where the name itself is trusted."
        ),
    ]


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "list_reviewers",
        "GET",
        "/v1/reviewers",
        "Reviewing",
        "Reviewers with their totals and agreement, the latest active one first.",
        description=f"Totals are counted from the beginning. Agreement is counted over the latest {COMPARED:,} "
        "reviews of all reviewers, on predictions that several of them reviewed.",
        query=PageQuery,
        answer=Page[Reviewer],
        fails=("unavailable",),
    ),
)
