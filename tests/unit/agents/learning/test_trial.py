"""The trial of a challenger: latest label per key, and no record judges a model that was trained on it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from relearn.agents.learning.fit import fit
from relearn.agents.learning.fitted_model import FoldModel, FoldModels
from relearn.agents.learning.nothing_new import nothing_new
from relearn.agents.learning.reviews import Statement
from relearn.agents.learning.snapshot import Champion, KnownReviews, Snapshot, Unreviewed
from relearn.agents.learning.training_set import Example, set_digest
from relearn.agents.learning.trial import Trial, admit, assumes
from relearn.schemas.features import numbers_alone
from relearn.schemas.model.linear_svm import Model
from tests.support.data.statements import said
from tests.support.data.trials import prepared

NAMES = ("x", "y")
SCHEMA = numbers_alone(NAMES)
#: Answers "yes" where x > 0.
MODEL = Model(1, ("no", "yes"), NAMES, np.array([[1.0, 0.0]]), np.zeros(1), np.zeros(2), np.ones(2))


def _bootstrap(n: int = 12, first: int = 1) -> list[tuple[float, Example]]:
    """Examples loaded at time 0, with ids from `first`; those of even number are `yes`."""
    return [
        (0.0, Example(i, f"b-{i}", (1.0 if i % 2 == 0 else -1.0, float(i)), "yes" if i % 2 == 0 else "no"))
        for i in range(first, first + n)
    ]


def _champion(**given: Any) -> Champion:
    bootstrap = _bootstrap()
    columns: dict[str, Any] = {
        "model": MODEL,
        "cut": 0,
        "example_ids": frozenset(example.id for _, example in bootstrap),
        "correction_ids": frozenset(),
        "keys": frozenset(example.key for _, example in bootstrap),
        "folds": FoldModels((), ()),
    }
    return Champion(**{**columns, **given})


def _trial(
    statements: list[Statement],
    *,
    champion: Champion | None = None,
    unreviewed: Unreviewed | None = None,
    bootstrap: list[tuple[float, Example]] | None = None,
    **given: Any,
) -> Trial:
    cut = max((one.id for one in statements), default=0)
    loaded = _bootstrap() if bootstrap is None else bootstrap
    snapshot = Snapshot(SCHEMA, loaded, statements, cut, champion or _champion(), unreviewed, None)
    return prepared(snapshot, **given)


def _assumed(number: int, key: str | None = None) -> Example:
    return Example(f"0-{number}-0", key or f"key-{number}", (float(number), 0.0), "yes", "assumed")


def test_reviews_join_the_bootstrap_and_the_later_label_of_a_key_wins() -> None:
    corrected = said(5, "no", key="b-2", predicted="yes")
    trial = _trial([said(4, "yes"), corrected])
    assert len(trial.examples) == 13
    labels = dict(zip(trial.examples.keys, trial.examples.labels, strict=True))
    assert (labels["b-2"], labels["key-4"]) == ("no", "yes")
    assert trial.examples.ids_of("reviewed") == [5, 4]
    reloaded = [*_bootstrap(), (9.0, Example(99, "key-4", (4.0, 1.0), "no"))]
    assert dict(zip(*_columns(_trial([said(4, "yes")], bootstrap=reloaded)), strict=True))["key-4"] == "no"


def _columns(trial: Trial) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return trial.examples.keys, trial.examples.labels


def test_evidence_is_what_came_after_the_cut_and_was_not_volunteered() -> None:
    statements = [
        said(1, "yes"),
        said(2, "yes", predicted="no"),
        said(3, "yes", via="volunteer"),
        said(4, "no", via="queue"),
        said(5, "yes", model=7),
        said(6, "yes", model=7, key="b-3"),
    ]
    trial = _trial(statements, champion=_champion(cut=1))
    found = {case.key: (case.truth, case.champion) for case in trial.evidence}
    assert found == {
        "key-2": ("yes", "no"),
        "key-4": ("no", "no"),
        # of another model's prediction: the champion answers now, if it never saw the key
        "key-5": ("yes", "yes"),
    }


def test_a_key_that_the_champion_was_trained_on_is_answered_out_of_fold() -> None:
    """Where subjects return, the champion would be judged by what it knows by heart."""
    opposite = FoldModel(np.array([0, 1]), np.array([[-1.0, 0.0]]), np.zeros(1))
    champion = _champion(folds=FoldModels(MODEL.classes, (opposite,) * 5))
    statements = [said(4, "yes", key="b-4"), said(5, "yes", model=7, key="b-5"), said(6, "yes")]
    loaded = [*_bootstrap(), (9.0, Example(99, "b-6", (1.0, 0.0), "no"))]
    trial = _trial(statements, champion=champion, bootstrap=loaded)
    assert {case.key: (case.truth, case.champion) for case in trial.evidence} == {
        "b-4": ("yes", "no"),
        "b-5": ("yes", "no"),
        "b-6": ("no", "no"),
        "key-6": ("yes", "no"),
    }


def test_new_labelled_rows_are_evidence_too() -> None:
    """`relearn model train --data` on more rows: neither the champion nor the challenger's fold has seen them."""
    trial = _trial([], bootstrap=[*_bootstrap(), *_bootstrap(4, first=100)])
    assert {case.key: (case.truth, case.champion) for case in trial.evidence} == {
        f"b-{i}": ("yes" if i % 2 == 0 else "no",) * 2 for i in range(100, 104)
    }


def test_all_reviews_of_the_champion_since_its_cut_are_kept_apart() -> None:
    """Volunteered ones too, a key as often as it came; of other models' records none."""
    statements = [said(1, "yes"), said(2, "yes"), said(3, "yes", via="volunteer"), said(4, "no", key="key-2")]
    trial = _trial([*statements, said(5, "yes", model=7)], champion=_champion(cut=1))
    assert [(case.key, case.truth, case.champion) for case in trial.reviewed] == [
        ("key-2", "yes", "no"),
        ("key-3", "yes", "no"),
        ("key-2", "no", "no"),
    ]


def test_while_corrections_outnumber_confirmations_unreviewed_predictions_join() -> None:
    """At most five per review, one per key, none that was reviewed, at their weight; the same ones every time."""
    many = Unreviewed([_assumed(i) for i in range(100, 150)] + [_assumed(60, "key-2")], complete=True)
    trial = _trial([said(2, "yes"), said(3, "yes")], unreviewed=many)
    assumed = trial.examples.ids_of("assumed")
    assert len(assumed) == trial.facts["assumed"] == 10
    assert "0-60-0" not in assumed
    weights = dict(zip(trial.examples.ids, trial.examples.weights.tolist(), strict=True))
    assert {weights[one] for one in assumed} == {0.2}
    again = _trial([said(2, "yes"), said(3, "yes")], unreviewed=Unreviewed(many.examples[::-1], complete=True))
    assert set_digest(again.examples) == set_digest(trial.examples)
    confirmed = _trial([said(2, "yes"), said(3, "no")], unreviewed=many)
    assert confirmed.examples.ids_of("assumed") == []
    assert _trial([said(2, "yes")], unreviewed=many, assumed_weight=0.0).examples.ids_of("assumed") == []


def test_unreviewed_predictions_are_read_only_where_some_join() -> None:
    def asks(*statements: Statement, champion: Champion | None, **given: Any) -> bool:
        snapshot = Snapshot(SCHEMA, _bootstrap(), statements, len(statements), champion, None, None)
        return assumes(snapshot, admit(snapshot, reviewer_labels=500), **{"assumed_weight": 0.2, **given})

    assert asks(said(1, "yes"), champion=_champion())
    assert not asks(said(1, "yes"), said(2, "no"), champion=_champion())
    assert not asks(champion=_champion())
    assert not asks(said(1, "yes"), champion=_champion(), assumed_weight=0.0)
    assert not asks(said(1, "yes"), champion=None)


def test_a_flood_waits_for_later_jobs() -> None:
    """That of one among several reviewers; a lone source is the only opinion that there is."""
    flood = [said(i, "yes", reviewer="bot") for i in range(1, 9)]
    alone = _trial(flood, reviewer_labels=3)
    assert (alone.examples.ids_of("reviewed"), alone.facts["waiting_for_later_jobs"]) == ([*range(1, 9)], 0)
    first = _trial([*flood, said(9, "yes", reviewer="ann")], reviewer_labels=3)
    learned = frozenset(map(int, first.examples.ids_of("reviewed")))
    assert (len(learned), 9 in learned, first.facts["waiting_for_later_jobs"]) == (4, True, 5)
    assert (alone.facts["limited"], first.facts["limited"]) == ([], [{"reviewer": "bot", "key": None, "reviews": 5}])
    more = [*flood, said(9, "yes", reviewer="ann"), said(10, "yes", reviewer="ann")]
    second = _trial(more, reviewer_labels=3, champion=_champion(correction_ids=learned, cut=9))
    assert len(second.examples.ids_of("reviewed")) == 8
    assert learned < set(second.examples.ids_of("reviewed"))


def test_a_training_that_could_only_repeat_itself_is_not_started() -> None:
    """The same labels said once more, in the sample or outside of it; and labels that came late, and are left out."""
    statements = [said(i, "yes" if i % 2 else "no") for i in range(1, 400)]
    champion = _champion(correction_ids=frozenset(range(1, 400)), cut=399)

    def trained(said_now: list[Statement], limit: int | None) -> tuple[Snapshot, Trial]:
        snapshot = Snapshot(SCHEMA, _bootstrap(), said_now, len(said_now), champion, None, None)
        return snapshot, prepared(snapshot, max_labels=limit)

    again = [said(1000 + i, one.label, of=one.id) for i, one in enumerate(statements[::7])]
    outside = said(2000, "yes", of=900, sent=(0.5, 0, 0))
    for limit, more in ((None, again), (100, again), (100, [outside]), (100, [*again, outside])):
        snapshot, first = trained(statements, limit)
        digest = set_digest(first.examples)
        assert nothing_new(snapshot, first) is None
        _, second = trained([*statements, *more], limit)
        known = replace(snapshot, newest=(2, "rejected", digest))
        assert (
            nothing_new(known, second) == "nothing new to learn: model 2, rejected, was trained on these very examples"
        )
        since = replace(snapshot, newest=(3, "rejected", b"other"), champion=replace(champion, digest=digest))
        assert "model 1, the champion," in str(nothing_new(since, second))
        _, third = trained([*statements, *more, said(3000, "yes")], limit)
        assert nothing_new(known, third) is None
    assert outside.key not in second.examples.keys


def test_a_sample_of_the_labels_is_counted_with_the_job() -> None:
    statements = [said(i, "yes" if i % 2 else "no") for i in range(1, 400)]
    trial = _trial(statements, max_labels=100)
    assert trial.facts["labels"] == {"available": 411, "used": 100, "limit": 100}
    assert trial.facts["bootstrap"] + trial.facts["reviewed"] == len(trial.examples) == 100
    assert (trial.knowledge.available, trial.knowledge.limit, trial.knowledge.example_cut) == (411, 100, 12)
    assert set(range(350, 400)) <= set(trial.examples.ids_of("reviewed"))
    assert len(trial.evidence) == 399, "what isn't learned from judges all the same"
    assert _trial(statements).facts["labels"] == {"available": 411, "used": 411, "limit": None}


def test_before_the_first_model_nothing_judges() -> None:
    trial = prepared(Snapshot(SCHEMA, _bootstrap(), [], 0, None, None, None))
    assert (trial.champion, trial.evidence, trial.reviewed) == (None, (), ())


@pytest.mark.parametrize("weight", [1.0, 0.2])
def test_a_judged_record_is_answered_by_a_model_that_never_saw_its_key(weight: float) -> None:
    """A record whose label contradicts all others is learned by heart in the fold that has it, never in its own."""
    rng = np.random.default_rng(1)
    features = rng.normal(size=(60, 2))
    rows = [(0.0, Example(i, f"b-{i}", row, "yes" if row[0] > 0 else "no")) for i, row in enumerate(features)]
    odd = said(7, "no", key="odd", features=(4.0, 0.0), predicted="yes")
    trial = _trial([odd], bootstrap=rows, assumed_weight=weight)
    assert fit(trial.examples).fold_models.answers(["odd"], np.array([odd.features])) == ["yes"]


def test_a_training_knew_what_it_used_and_all_before_its_cut_that_does_not_wait() -> None:
    known = KnownReviews(frozenset((2, 40)), cut=9, waiting=frozenset((3, 4)))
    assert [one for one in range(1, 50) if one in known] == [1, 2, 5, 6, 7, 8, 9, 40]
    assert [one for one in range(1, 50) if one in KnownReviews(frozenset((2, 40)))] == [2, 40]
