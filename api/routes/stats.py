"""Statistics of the namespace."""

from __future__ import annotations

from collections.abc import Sequence

from relearn.api.http.call import Call, Handlers
from relearn.api.queries.accuracy import estimate_accuracy
from relearn.schemas.http.stats import Champion, Latency, Stats, Totals
from relearn.schemas.http.workers import Worker


async def get_stats(call: Call[None, None, None]) -> Stats:
    """The statistics, at most a second old."""
    row, latency, on_hold, audited, right, workers = await call.context.stats.read()
    reviewed = row["corrections"], row["confirmations"]
    champion = None
    if row["version"] is not None:
        champion = Champion(row["version"], row["activation"], row["at"].isoformat())
    return Stats(
        totals=Totals(
            row["records"], row["expired"], row["dead_letters"], sum(reviewed) + row["withdrawals"], *reviewed
        ),
        scored_per_s=_rate(workers, "score"),
        stored_per_s=_rate(workers, "store"),
        latency=Latency(latency["n"], *latency["quantiles"]) if latency["n"] else None,
        lag=None if workers is None else _lag(workers),
        champion=champion,
        accuracy=estimate_accuracy(right, audited),
        models=row["models"],
        jobs=row["jobs"],
        open_job=row["open_job"],
        shadow_job=row["shadow_job"],
        on_hold=on_hold,
        drifted=list(row["drifted"] or ()),
    )


def _rate(workers: Sequence[Worker] | None, role: str) -> float | None:
    """The total rate of a role's workers."""
    if workers is None:
        return None
    return round(float(sum(worker.rate for worker in workers if worker.role == role)), 1)


def _lag(workers: Sequence[Worker]) -> dict[str, int | None]:
    """The lag by role; None if one of its workers doesn't know its lag."""
    found: dict[str, int | None] = {}
    for worker in workers:
        before, own = found.get(worker.role, 0), worker.lag
        found[worker.role] = None if before is None or own is None else before + own
    return found


HANDLERS: Handlers = {"get_stats": get_stats}
