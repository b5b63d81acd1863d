"""Commands to try after the demo."""

from __future__ import annotations

from relearn.scripts.demo.next_steps import next_lines


def test_what_to_try_next_fits_the_screen() -> None:
    """Also for the second act."""
    for oracle in ("digits", "breast_cancer"):
        found = next_lines(oracle, 12)
        assert max(len(line) for line in found) <= 78
        assert any(f"review --oracle {oracle} " in line for line in found)
