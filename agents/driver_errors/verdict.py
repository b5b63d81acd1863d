"""What a driver's error means for the caller."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum


class Verdict(Enum):
    """The four meanings of an error. Each driver's errors have one in the table."""

    #: The same call may succeed later, by itself: a server is away, starts, is read-only or full, or changes its role.
    RETRYABLE = "retryable"
    #: Refused until a person changes the deployment: a missing topic, table or right, a wrong password. A command and a
    #: request fail with the remedy. A worker waits, and its notice has the remedy.
    SETUP = "setup"
    #: This input is refused, now and later: too large, invalid. It goes to the caller: as a dead letter, as an HTTP
    #: problem, as the error of a job.
    REFUSED = "refused"
    #: A defect of this program, or its place is taken. The process ends, and its supervisor starts it again.
    OURS = "ours"


def verdicts(
    *, retryable: Iterable[str], setup: Iterable[str], refused: Iterable[str], ours: Iterable[str]
) -> dict[str, Verdict]:
    """A table of a driver's codes by their verdicts.

    Raises:
        ValueError: a code has two.
    """
    table: dict[str, Verdict] = {}
    for verdict, codes in zip(Verdict, (retryable, setup, refused, ours), strict=True):
        for code in codes:
            if code in table:
                raise ValueError(f"{code} is {table[code].value} and {verdict.value}")
            table[code] = verdict
    return table
