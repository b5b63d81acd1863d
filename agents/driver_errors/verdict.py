"""What a driver's error means for the caller."""

from __future__ import annotations

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
