"""A Parquet file is read as the CSV file with the same values is; what can't be read is one line."""

from __future__ import annotations

import sys
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from relearn.schemas.errors import BadFile, SetupError
from relearn.scripts.data.datasets import load_dataset
from relearn.scripts.tables import parquet
from relearn.scripts.tables.csv import read_csv
from relearn.scripts.tables.table_options import TableOptions


def write(tmp_path: Path, **columns: Any) -> str:
    path = tmp_path / "some file.parquet"
    pq.write_table(pa.table(columns), path)
    return str(path)


def test_it_says_the_same_as_a_csv_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers of every type, labels, and what accompanies; in batches of a row."""
    monkeypatch.setattr(parquet, "_BATCH_CELLS", 1)
    path = write(
        tmp_path,
        id=["r1", None],
        whole=[1, 2],
        exact=[0.1, 1e-300],
        money=[Decimal("1.50"), Decimal("2.25")],
        day=[date(2026, 1, 31), None],
        kind=[7, 8],
    )
    text = tmp_path / "same.csv"
    text.write_text("id,whole,exact,money,day,kind\nr1,1,0.1,1.50,2026-01-31,7\n,2,1e-300,2.25,,8\n")
    options = TableOptions(drop=("day",))
    packed, plain = (
        load_dataset(path, label="kind", options=options),
        load_dataset(str(text), label="kind", options=options),
    )
    assert packed.feature_names == plain.feature_names == ("whole", "exact", "money")
    assert (packed.labels, packed.ids, packed.subjects) == (plain.labels, plain.ids, plain.subjects)
    assert np.array_equal(packed.features, plain.features)


def test_names_that_are_numbers_are_a_header(tmp_path: Path) -> None:
    path = tmp_path / "x.pq"
    pq.write_table(pa.table({"0": [1.0], "1": [2.0]}), path)
    assert load_dataset(str(path)).feature_names == ("0", "1")


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"a": ["1.0", "?"]}, "line 3, column 1 (a): '?' where a number belongs"),
        ({"a": [1.0, float("inf")]}, "line 3, column 1 (a): 'inf' isn't a finite number"),
        ({"a": [None, None]}, "column 1 (a): has no values; leave it out with --drop"),
        ({"a": [[1.0]]}, "line 2, column a: a list, which is neither text nor a number"),
        ({"a": [b"x"]}, "line 2, column a: a bytes, which is neither text nor a number"),
        ({"a": pa.array([], pa.float64())}, "line 1: has a header and no rows"),
    ],
)
def test_each_fault_names_its_place(columns: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(BadFile) as error:
        load_dataset(write(tmp_path, **columns))
    assert said in str(error.value)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"a,b\n1,2\n", b"PAR1" + 100 * b"x" + b"PAR1"])
def test_what_is_no_parquet_is_one_line(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    path.write_bytes(content)
    with pytest.raises(BadFile, match="can't be read as Parquet") as error:
        load_dataset(str(path))
    assert "\n" not in str(error.value)


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    path.mkdir()
    with pytest.raises(BadFile, match="not a file"):
        load_dataset(str(path))


def test_without_pyarrow_the_command_that_installs_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And CSV needs none."""
    path = write(tmp_path, a=[1.0])
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(SetupError, match=r"pip install 'relearn\[parquet\]'"):
        load_dataset(path)
    text = tmp_path / "x.csv"
    text.write_text("a\n1\n")
    assert read_csv(str(text)).features.tolist() == [[1]]
