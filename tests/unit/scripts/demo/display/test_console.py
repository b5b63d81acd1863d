"""Lines of the demo fit 80 columns."""

from __future__ import annotations

from relearn.scripts.demo.display.console import report_lines
from tests.support.terminal import drawn


def test_a_line_of_the_story_has_its_time_and_goes_on_below_it() -> None:
    """Eighty columns, whatever there is to say."""
    first, second = drawn(*report_lines("verdict", "word " * 15, 12.4))
    assert first == f"{'verdict':<10}{'word ' * 12:<61}{'12 s':>9}"
    assert second == f"{'':<10}{'word ' * 3}".rstrip()
