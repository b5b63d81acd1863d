"""Facts and limits of the policy: quiet ones, ones with corrections, and strategies for all others."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from relearn.agents.learning.policy import AHEAD_S, Facts, Limits

NOW = 1_700_000_000.0
LIMITS = Limits(corrections=20, labels=100, rate=0.2, drift=True, every_s=3600.0, settle_s=1.0, cooldown_s=60.0)
QUIET = Facts(
    champion=3,
    activation=7,
    cut=40,
    open_job=None,
    on_hold=None,
    resumed=0,
    last_ended_s=NOW - 600,
    rejections=0,
    corrections_s=(),
    corrections=0,
    labels=0,
    latest_s=None,
    audit_rows=0,
    audit_corrected=0,
    drifted=(),
    rolled_back=False,
)


def corrected(n: int, *, first_s: float = NOW - 100, apart_s: float = 0.0, facts: Facts = QUIET) -> Facts:
    """`facts` with n new corrections and no other labels."""
    stored_s = tuple(first_s + i * apart_s for i in range(n))
    latest_s = stored_s[-1] if n else None
    return replace(facts, corrections_s=stored_s, corrections=n, labels=n, labels_s=stored_s, latest_s=latest_s)


moments = st.one_of(
    st.none(), st.floats(NOW - 1e4, NOW + AHEAD_S), st.sampled_from([NOW, NOW - 60.0, NOW - 1.0, NOW - 3600.0])
)
numbers = st.integers(0, 200)


@st.composite
def some_facts(draw: st.DrawFn, moments: st.SearchStrategy[float | None] = moments) -> Facts:
    corrections = draw(numbers)
    times = st.lists(moments.filter(lambda moment: moment is not None), max_size=corrections)
    labels = corrections + draw(numbers)
    return Facts(
        champion=draw(st.none() | st.just(3)),
        activation=draw(st.none() | st.just(7)),
        cut=draw(numbers),
        open_job=draw(st.sampled_from([None, None, "job-1"])),
        on_hold=draw(st.sampled_from([None, None, "by ana since 12:00"])),
        resumed=draw(numbers),
        last_ended_s=draw(moments),
        rejections=draw(st.integers(0, 2000)),
        corrections_s=tuple(sorted(one for one in draw(times) if one is not None)),
        corrections=corrections,
        labels=labels,
        latest_s=draw(moments),
        audit_rows=draw(numbers),
        audit_corrected=draw(numbers),
        drifted=draw(st.sampled_from([(), ("x1",), ("a", "b", "c", "d", "margin")])),
        rolled_back=draw(st.booleans()),
        labels_s=(NOW - 50.0,) * labels,
        more=draw(st.booleans()),
    )


some_limits = st.builds(
    Limits,
    corrections=st.integers(1, 30),
    labels=st.integers(1, 100),
    rate=st.none() | st.floats(0.01, 0.99),
    drift=st.booleans(),
    every_s=st.none() | st.floats(0.001, 1e5),
    settle_s=st.sampled_from([0.0, 0.1, 1.0, 30.0]),
    cooldown_s=st.sampled_from([0.0, 10.0, 60.0]),
)
