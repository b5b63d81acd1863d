"""Reasons to promote: reviews in Postgres with which a training passes the gate, or a shadow begins, or wins."""

from __future__ import annotations

from relearn.schemas.settings import Settings
from tests.support.data import retrains, reviewed


def audited(settings: Settings, count: int = 120) -> None:
    """Records of the first champion's, all reviewed: what is trained on them is promoted by evidence."""
    features, truth = reviewed.records(count)
    offsets, _, _ = reviewed.predict(settings, features, reviewed.model_of(settings, 1))
    reviewed.review(settings, offsets, truth)


def shadowed(settings: Settings) -> str:
    """The job of a challenger on three corrections, too few to tell: it is a shadow from now on."""
    features, truth = reviewed.records(60)
    offsets, answers, _ = reviewed.predict(settings, features, reviewed.model_of(settings, 1))
    wrong = [i for i in range(60) if answers[i] != truth[i]][:3]
    reviewed.review(settings, [offsets[i] for i in wrong], [truth[i] for i in wrong])
    job = retrains.ended(settings, retrains.send(settings, "train"))
    assert job["state"] == "shadow", job["metrics"]["gate"]
    return str(job["id"])


def shadow_is_right(settings: Settings, count: int = 8) -> None:
    """Reviews of records on which the first champion and its shadow differ: this number promotes it."""
    features, _ = reviewed.records(400, seed=9)
    first, second = reviewed.model_of(settings, 1), reviewed.model_of(settings, 2)
    offsets, answers, beside = reviewed.predict(settings, features, first, shadow=second)
    differ = [i for i in range(400) if answers[i] != beside[i]][:count]
    assert len(differ) == count
    reviewed.review(settings, [offsets[i] for i in differ], [beside[i] for i in differ], via="disagree")
