"""Every error that Relearn raises on purpose.

RelearnError
├── BadData                  the input is wrong: not retryable
│   ├── BadMessage           a message or one record in it can't be read → dead letter
│   ├── BadModel             a model update is rejected; the live model stays
│   ├── BadFile              a file can't be read; gives the file, the line and the column
│   ├── BadRow               Postgres rejects a row's values
│   ├── RejectedMessage      Kafka rejects a message as it is: invalid
│   │   └── TooLarge         a message is larger than its topic takes
│   └── BadIdentity          a text that isn't a prediction id
├── Refused                  a command that can't be executed in the current state; gives the reason
├── SettingsError            invalid settings: all of them in one message
├── SetupError               this machine or this namespace isn't ready; gives the remedy
├── TrainingDied             the training process gave no answer; retryable a few times
└── Unavailable              a server is away; retryable
    ├── KafkaUnavailable
    ├── PostgresUnavailable
    ├── RedisUnavailable
    └── RegistryUnavailable
"""

from __future__ import annotations


class RelearnError(Exception):
    """The root of the tree; `str()` of each error is one line for people."""


class BadData(RelearnError):
    """The input is wrong; reading it again gives the same error."""


class BadMessage(BadData):
    """A message, or the record at `index` in it, that can't be read.

    `reason` is a constant word (of an ingest message one of those in `schemas.messages.ingest_faults`), `detail` a
    sentence with the facts.
    """

    def __init__(self, reason: str, detail: str, index: int = 0) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.index = index


class BadModel(BadData):
    """A model update that must not go live. `reason` is a constant word."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class BadFile(BadData):
    """A file of records that can't be used; `line` and `column` count from 1."""

    def __init__(self, path: str, detail: str, line: int | None = None, column: str | int | None = None) -> None:
        place = path
        if line is not None:
            place += f", line {line}"
        if column is not None:
            place += f", column {column}"
        super().__init__(f"{place}: {detail}")


class BadIdentity(BadData):
    """A text that isn't a prediction id such as `2-10481-0`."""


class BadRow(BadData):
    """Postgres rejects a row's values (SQLSTATE classes 22 and 23)."""


class RejectedMessage(BadData):
    """Kafka rejects a message as it is, now and later: it is too large, or invalid."""


class TooLarge(RejectedMessage):
    """A message is larger than its topic takes."""


class Refused(RelearnError):
    """A command that can't be executed in the current state; the message gives the reason."""


class SettingsError(RelearnError):
    """One or more invalid settings; the message lists them all."""


class SetupError(RelearnError):
    """This machine or namespace isn't ready; the message gives the remedy."""


class TrainingDied(RelearnError):
    """A training process was killed, crashed or could not be started, for reasons that may not lie in its task."""


class Unavailable(RelearnError):
    """A server is away. Retryable."""


class KafkaUnavailable(Unavailable):
    """No broker answers."""


class PostgresUnavailable(Unavailable):
    """Postgres doesn't answer, or is starting or stopping."""


class RedisUnavailable(Unavailable):
    """Redis doesn't answer."""


class RegistryUnavailable(Unavailable):
    """The schema registry doesn't answer, or answers that it can't at the moment."""
