"""What drift compares of strings: levels by name, and the share of words that training didn't see."""

from __future__ import annotations

import json

import numpy as np

from relearn.agents.learning.drift import compare, reference, reference_fields, reference_from_fields
from relearn.agents.learning.drift_columns import drift_columns, frequent_levels
from relearn.agents.learning.fit import fit
from relearn.schemas.features import StringOf, Value, rows_of_values, strings_by_code
from relearn.schemas.model.linear_svm import Floats
from tests.support.data.mixed import SCHEMA, mixed_set, mixed_values
from tests.support.data.texts import SCHEMA as LETTERS
from tests.support.data.texts import letters, set_of_letters


def _rows(values: list[list[Value]], schema: object = SCHEMA) -> tuple[Floats, StringOf]:
    rows, strings = rows_of_values(values, schema)  # type: ignore[arg-type]
    return rows, strings_by_code(strings)


def test_each_frequent_level_has_a_bin_the_others_share_one_and_so_do_gaps() -> None:
    model = fit(mixed_set(300)).as_model(1, SCHEMA.names)
    values, _ = mixed_values(1000, seed=1)
    rows, string_of = _rows(values)
    levels = frequent_levels(model, rows, string_of)
    columns = drift_columns(model, rows, levels)
    before = reference(SCHEMA.row_names, columns, rows[:, 0], SCHEMA.gaps, levels)
    again = reference_from_fields(json.loads(json.dumps(reference_fields(before))))
    assert again == before
    colours = [one[0] for one in values]
    at = before.names.index("colour")
    assert set(before.levels["colour"]) == {"red", "green", "blue, dark", "é"}
    assert list(before.counts[at]) == [*(colours.count(one) for one in before.levels["colour"]), 0, colours.count(None)]
    # One level takes the place of another, which no range of codes would have to show, and one is new.
    moved = [[{"red": "green", "green": "ochre"}.get(str(one[0]), one[0]), *one[1:]] for one in values[:500]]
    rows, _ = _rows(moved)
    found = compare(again, drift_columns(model, rows, again.levels), rows[:, 0])
    assert found.shifts["colour"].drifted
    assert not found.shifts["town"].drifted
    assert found.shifts["colour"].counts[4] == sum(one[0] == "green" for one in values[:500])


def test_rare_levels_have_no_bin_of_their_own() -> None:
    model = fit(mixed_set(300)).as_model(1, SCHEMA.names)
    values: list[list[Value]] = [["red", 1.0, f"t{max(0, i - 990)}", 2.0] for i in range(1000)]
    rows, string_of = _rows(values)
    assert frequent_levels(model, rows, string_of)["town"] == ("t0",)


def test_texts_of_other_words_have_drifted() -> None:
    model = fit(set_of_letters(300)).as_model(1, LETTERS.names)
    rows, string_of = _rows(letters(1000, seed=1)[0], LETTERS)
    columns = drift_columns(model, rows, frequent_levels(model, rows, string_of), string_of)
    before = reference(LETTERS.row_names, columns, rows[:, 0], LETTERS.gaps)
    same, string_of = _rows(letters(500, seed=2)[0], LETTERS)
    quiet = compare(before, drift_columns(model, same, before.levels, string_of), same[:, 0])
    assert not quiet.shifts["letter"].drifted
    other: list[list[Value]] = [["wholly unknown vocabulary herein", *one[1:]] for one in letters(500, seed=2)[0]]
    moved, string_of = _rows(other, LETTERS)
    columns = drift_columns(model, moved, before.levels, string_of)
    assert np.unique(columns[:, LETTERS.row_names.index("letter")]).tolist() == [1.0]
    shifts = compare(before, columns, moved[:, 0]).shifts
    assert (shifts["letter"].drifted, shifts["title"].drifted) == (True, False)
