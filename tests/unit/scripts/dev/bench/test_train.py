"""`relearn bench train`: both sides learn the same, and the figures are those of the rounds."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from relearn.scripts.dev.bench.train import train


def test_both_sides_learn_the_same_from_random_records() -> None:
    run = CliRunner().invoke(train, ["300x4x3", "breast_cancer", "--rounds", "2", "--json"])
    assert run.exit_code == 0, run.output
    random, bundled = json.loads(run.stdout)["sets"]
    assert (random["rows"], random["features"], random["classes"]) == (300, 4, 3)
    assert (bundled["rows"], bundled["features"], bundled["classes"]) == (569, 30, 2)
    for one in (random, bundled):
        assert one["equal_labels"] > 0.99
        assert one["relearn_c"] == one["sklearn_c"]
        assert len(one["relearn_s"]) == len(one["sklearn_s"]) == 2
        assert one["ratio"] == pytest.approx(sum(one["relearn_s"]) / sum(one["sklearn_s"]))


def test_what_it_measured_is_a_line_for_each_source() -> None:
    run = CliRunner().invoke(train, ["60x2x2", "--rounds", "1"])
    assert run.exit_code == 0, run.output
    assert "60x2x2" in run.stdout
    assert "processor time, median (least to most of 1)" in run.stdout


def test_a_source_that_is_no_data_set_is_refused() -> None:
    run = CliRunner().invoke(train, ["60x2"])
    assert run.exit_code != 0
    assert "no such file" in str(run.exception)
