"""Whether a shadow is promoted or rejected: evidence on reviewed records, looked at after every label."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from relearn.agents.learning.fitted_model import FoldModels
from relearn.agents.learning.gate import Verdict
from relearn.agents.learning.reviews import EVIDENCE, Statement, reviews
from relearn.agents.learning.significance import Tally, log_evidence, tally, tally_fields, tally_text
from relearn.schemas.features import NO_STRINGS, StringOf

#: The log evidence at which a shadow is promoted, and the one at which it is rejected.
SHADOW_PROMOTES = 2.77
SHADOW_REJECTS = -1.56


def shadow_tally(pairs: Sequence[tuple[Statement, str]], *, champion: int) -> Tally:
    """Champion and shadow on the reviews that count, one per key: those that no reviewer volunteered.

    Args:
        pairs: each statement, with the shadow's answer to its record; see `out_of_fold`.
        champion: the version whose predictions are reviewed.
    """
    answers = {statement.place: answer for statement, answer in pairs}
    counted = {
        one.key: one
        for one in reviews(statement for statement, _ in pairs)
        if one.via in EVIDENCE and one.model == champion
    }
    rows = list(counted.values())
    truth, champions = [one.label or "" for one in rows], [one.predicted for one in rows]
    return tally(truth, champions, [answers[one.place] for one in rows])


def out_of_fold(
    pairs: Sequence[tuple[Statement, str]],
    *,
    labelled: Collection[str],
    folds: FoldModels,
    string_of: StringOf = NO_STRINGS,
) -> list[tuple[Statement, str]]:
    """`pairs` with fair answers: to records of keys whose labels it was trained on, the shadow answers out of fold.

    Without fold models such records are left out. The statements about them have features.
    """
    if not folds.models:
        return [pair for pair in pairs if pair[0].key not in labelled]
    known = [one for one, _ in pairs if one.key in labelled]
    features = np.array([one.features for one in known], dtype=np.float64)
    answers = iter(folds.answers([one.key for one in known], features, string_of) if known else ())
    return [(one, next(answers) if one.key in labelled else answer) for one, answer in pairs]


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
