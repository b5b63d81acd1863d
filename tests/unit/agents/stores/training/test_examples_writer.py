"""Exported examples read back as they were."""

from __future__ import annotations

import csv
import io
import json

from hypothesis import given
from hypothesis import strategies as st

from relearn.agents.stores.training.examples_writer import OURS, csv_names, csv_writer, ndjson_writer
from relearn.agents.stores.training.lineage import Used

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)
REVIEWED = Used("reviewed", 7, "f-1", "2-10481-0", "ann", "audit", 'k,"1"', "a\nb", 1.0, (0.1, -1e-300))
ASSUMED = Used("assumed", "0-1-0", None, "0-1-0", None, None, "k2", "b", 0.2, (1 / 3, 5.0))


def test_a_csv_row_holds_everything_and_numbers_to_the_last_bit() -> None:
    file = io.StringIO()
    write = csv_writer(file, ("x", "y"))
    write(REVIEWED)
    write(ASSUMED)
    file.seek(0)
    first, second = csv.DictReader(file)
    assert list(first) == [*OURS, "x", "y"]
    assert {name: first[name] for name in OURS} == {
        name: str(value) for name, value in REVIEWED._asdict().items() if name != "features"
    }
    assert (float(first["x"]), float(first["y"]), float(second["x"])) == (0.1, -1e-300, 1 / 3)
    assert (second["feedback"], second["reviewer"], second["id"], second["weight"]) == ("", "", "0-1-0", "0.2")


def test_a_line_of_json_names_the_features() -> None:
    file = io.StringIO()
    ndjson_writer(file, ("label", "y"))(ASSUMED)
    found = json.loads(file.getvalue())
    assert found == {**ASSUMED._asdict(), "features": {"label": 1 / 3, "y": 5.0}}
    assert file.getvalue().count("\n") == 1


@given(st.lists(st.one_of(texts, st.sampled_from([*OURS, "feature.key", "feature.feature.key"])), unique=True))
def test_every_column_has_a_name_of_its_own(names: list[str]) -> None:
    """Features keep theirs, unless it is one of ours."""
    columns = csv_names(names)
    assert len({*columns, *OURS}) == len(columns) + len(OURS)
    assert all(column == name for column, name in zip(columns, names, strict=True) if name not in OURS)
    assert all(column.endswith(name) for column, name in zip(columns, names, strict=True))
