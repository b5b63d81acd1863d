"""The accuracy of a model, estimated from its audits."""

from __future__ import annotations

from relearn.agents.learning.audit_accuracy import AuditTally, wilson_interval
from relearn.agents.stores.feedback.reviewer_statements import statements_of_model_since
from relearn.agents.stores.postgres import Connection
from relearn.schemas.http.accuracy import Accuracy

#: Statements per query; other tasks run between two queries.
_CHUNK = 1000


def estimate_accuracy(right: int, n: int) -> Accuracy | None:
    """The estimate from `n` audited predictions of which `right` were confirmed; None for n = 0."""
    interval = wilson_interval(right, n)
    return None if interval is None else Accuracy(n, right, *interval)


class ChampionAudits:
    """The champion's audits. `corrections` is append-only, so each row is read once."""

    def __init__(self) -> None:
        self._model: int | None = None
        self._tally = AuditTally()
        self._cut = 0

    async def read(self, connection: Connection, model: int | None, newest: int) -> AuditTally:
        """The tally of `model`, up to its statement with the id `newest`."""
        # Fewer rows than were read before: the tables were dropped and made again.
        if model != self._model or newest < self._cut:
            self._model, self._tally, self._cut = model, AuditTally(), 0
        while model is not None and self._cut < newest:
            found = await statements_of_model_since(connection, model, self._cut, _CHUNK)
            if not found:
                break
            for one in found:
                self._tally.add(one)
            self._cut = found[-1].id
        return self._tally
