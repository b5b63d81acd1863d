"""The demo's figures: percentile, rate, and 80 columns."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from relearn.scripts.demo.display.console import report_lines
from relearn.scripts.demo.display.figures import Figures, Learning, lines, panel, percentile
from tests.support.terminal import drawn


@given(st.lists(st.floats(0, 100), min_size=1, max_size=50), st.floats(0.01, 1))
def test_a_percentile_is_the_smallest_that_enough_are_not_above(values: list[float], share: float) -> None:
    """One of the values; enough lie at or below it, and below any smaller one too few."""
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9
    assert sum(value < found for value in values) < share * len(values) + 1e-9


def test_nothing_has_no_percentile() -> None:
    """It isn't nought."""
    assert percentile([], 0.5) is None


WORKER = {"role": "score", "model": 123}


WORKERS = [{**WORKER, "id": f"score-{i}", "shadow": 124} for i in range(1, 5)] + [{"id": "store-1", "role": "store"}]


LONG = "drift in mean concave points, mean symmetry, area error and 24 more; a training is open: 4b0f2a51; on hold"


LARGE = Figures(
    9999.0, 12_345_678, 12_300_000, 20_000.0, 1234.5, 12345.6, 0.9999, 1.0, WORKERS, Learning(12345, 6789, 20.0, LONG)
)


NO_MODEL = {"id": "score-1", "role": "score", "model": None}


EARLY = Figures(0.0, 0, 0, 0.0, None, None, None, None, [NO_MODEL])


def test_figures_fit_80_columns_on_a_terminal() -> None:
    """Also when they are large, and when there are none yet; the policy may have much to say."""
    assert [len(drawn(panel(figures))) for figures in (LARGE, EARLY)] == [7, 6]
    assert max(len(line) for line in drawn(panel(LARGE))) <= 80
    assert "models    score-1 no model" in drawn(panel(EARLY))
    assert "score-1 v123 (shadow v124)" in drawn(panel(LARGE))[-1]
    assert "20 per second, 1 in 50 is wrong" in drawn(panel(LARGE))[3]


def test_figures_fit_80_columns_without_a_terminal() -> None:
    """The policy is shown after the first review."""
    assert lines(EARLY) == [("stream", "0 in, lag 0, p50 -, p99 -, - right")]
    told_lines = [text for name, line in lines(LARGE) for text in report_lines(name, line, LARGE.elapsed_s)]
    assert max(len(text) for text in drawn(*told_lines)) <= 80
    assert lines(LARGE)[1] == ("policy", LONG)
