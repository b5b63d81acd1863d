"""Whether a shadow is promoted or rejected: evidence on reviewed records, looked at after every label."""

from __future__ import annotations

from collections.abc import Sequence

from relearn.agents.learning.gate import Verdict
from relearn.agents.learning.reviews import EVIDENCE, Statement, reviews
from relearn.agents.learning.significance import Tally, log_evidence, tally, tally_fields, tally_text

#: The log evidence at which a shadow is promoted, and the one at which it is rejected.
SHADOW_PROMOTES = 2.77
SHADOW_REJECTS = -1.56


def shadow_tally(pairs: Sequence[tuple[Statement, str]], *, champion: int, seen: frozenset[str]) -> Tally:
    """Champion and shadow on the reviews that count, one per key.

    A review counts unless its reviewer volunteered it, or the shadow was trained on its record.

    Args:
        pairs: each statement, with the shadow's answer to its record.
        champion: the version whose predictions are reviewed.
        seen: the keys that the shadow was trained on.
    """
    answers = {statement.place: answer for statement, answer in pairs}
    counted = {
        one.key: one
        for one in reviews(statement for statement, _ in pairs)
        if one.via in EVIDENCE and one.model == champion and one.key not in seen
    }
    rows = list(counted.values())
    truth, champions = [one.label or "" for one in rows], [one.predicted for one in rows]
    return tally(truth, champions, [answers[one.place] for one in rows])


def shadow_verdict(tally: Tally, *, elapsed_s: float, labels_limit: int, time_limit_s: float) -> Verdict | None:
    """The verdict on a shadow after `elapsed_s` and the labels so far; None: not yet decided.

    With a look after every label, a shadow equal to the champion is promoted in at most one of 16 cases (Ville's
    inequality: e^2.77 = 16).
    """
    so_far = log_evidence(tally.fixed, tally.broken)
    limits = {"labels_limit": labels_limit, "elapsed_s": elapsed_s, "time_limit_s": time_limit_s}
    facts = {"shadow": tally_fields(tally), **limits}
    counts = f"as a shadow {tally_text(tally)}"
    if so_far >= SHADOW_PROMOTES:
        return Verdict("promoted", "shadow", counts, facts)
    if so_far <= SHADOW_REJECTS:
        return Verdict("rejected", "shadow", counts, facts)
    if tally.rows >= labels_limit:
        return Verdict("rejected", "shadow", f"not known to be better after {tally.rows} labels: {counts}", facts)
    if elapsed_s >= time_limit_s:
        return Verdict("rejected", "shadow", f"not known to be better after {elapsed_s:.0f} s: {counts}", facts)
    return None
