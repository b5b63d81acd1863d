"""Reviewers: what each has sent, and how much they agree."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from relearn.schemas.http.operation import Count, Operation, Page, PageQuery, Time

#: Agreement is told of so many statements, the latest of all.
COMPARED = 20_000


class Reviewer(Struct, frozen=True):
    """What one reviewer said in all, in statements. A later one about the same prediction takes nothing off here."""

    reviewer: Annotated[str | None, Meta(description="null: whoever gave no name.")]
    said: Count
    corrections: Annotated[Count, Meta(description="Another label than the prediction's.")]
    confirmations: Annotated[Count, Meta(description="The same label.")]
    withdrawals: Annotated[Count, Meta(description="What was said before, taken back.")]
    first_at: Time
    last_at: Time
    compared: Annotated[
        Count, Meta(description="Standing labels of others on the predictions that this reviewer labelled too.")
    ]
    agreed: Annotated[Count, Meta(description="Those of them that are the same label.")]
    agreement: Annotated[float | None, Meta(description="Their share; null where nobody else said anything.")]


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "list_reviewers",
        "GET",
        "/v1/reviewers",
        "Reviewing",
        "Who reviews, and how much they agree; who spoke last comes first.",
        description=f"What was said is counted from the beginning. Agreement is that among the latest {COMPARED:,}"
        " statements of all reviewers, where several of them labelled the same prediction.",
        query=PageQuery,
        answer=Page[Reviewer],
        fails=("unavailable",),
    ),
)
