"""A CSV file is read, or one line names the error and its place."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relearn.schemas.errors import BadFile
from relearn.schemas.features import Feature, FeatureSchema
from relearn.scripts.tables import csv_rows
from relearn.scripts.tables.csv import read_csv
from relearn.scripts.tables.kinds import read_kinds, shown
from relearn.scripts.tables.table_options import TableOptions


def write(tmp_path: Path, content: str | bytes) -> str:
    path = tmp_path / "some file.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


GOOD = {
    "commas and class names": ("a,b,kind\n1,2,x\n3,4,y\n", "kind"),
    "semicolons": ("a;b;kind\n1;2;x\n3;4;y\n", "kind"),
    "tabs": ("a\tb\tkind\n1\t2\tx\n3\t4\ty\n", "kind"),
    "a byte order mark and Windows line ends": (b"\xef\xbb\xbfa,b,kind\r\n1,2,x\r\n3,4,y\r\n", "kind"),
    "old line ends": ("a,b,kind\r1,2,x\r3,4,y", "kind"),
    "quotes, spaces and blank lines": ('\n"a", b ,kind\n\n 1 ,"2",x\n\n3,4, y\n,,\n', "kind"),
    "the label by its number": ("a,b,kind\n1,2,x\n3,4,y\n", "3"),
    "no line end at the end": ("a,b,kind\n1,2,x\n3,4,y", "kind"),
    "exponents": ("a,b,kind\n1e0,.2e1,x\n+3,4.,y\n", "kind"),
}


@pytest.mark.parametrize("case", GOOD)
def test_all_these_say_the_same(case: str, tmp_path: Path) -> None:
    """However it is written."""
    content, label = GOOD[case]
    table = read_csv(write(tmp_path, content), label)
    assert table.schema.names == ("a", "b")
    assert table.labels == ("x", "y")
    assert np.array_equal(table.features, [[1, 2], [3, 4]])


def test_without_a_header_columns_have_numbers(tmp_path: Path) -> None:
    """As names x1 to xd, the label's among them."""
    for label in ("1", "x1"):
        table = read_csv(write(tmp_path, "x,1,2\ny,3,4\n"), label)
        assert (table.schema.names, table.labels, table.label_column) == (("x2", "x3"), ("x", "y"), "1")


def test_without_a_label_every_column_is_a_feature(tmp_path: Path) -> None:
    """And nothing is known of classes."""
    table = read_csv(write(tmp_path, "1,2\n3,4\n"))
    assert (table.schema.names, table.labels) == (("x1", "x2"), None)


def test_a_header_of_numbers_is_told_by_the_label_column(tmp_path: Path) -> None:
    """Pictures often come with pixels numbered."""
    content = "label,0,1\n5,0,255\n3,1,2\n"
    for label in ("label", "1"):
        table = read_csv(write(tmp_path, content), label)
        assert (table.schema.names, table.labels) == (("0", "1"), ("5", "3"))


def test_labels_stand_as_they_are_written(tmp_path: Path) -> None:
    """Text that looks like a number stays text: `007` and `7` are two classes."""
    written = ("3", "3.0", "007", "7", "1E5", "nan", "12345678901234567891")
    table = read_csv(write(tmp_path, "".join(f"1,{label}\n" for label in written)), "2")
    assert table.labels == written


def test_two_spellings_of_one_label_in_a_file_are_refused(tmp_path: Path) -> None:
    """The error names both."""
    with pytest.raises(BadFile, match=r"line 2, column 2: the label 'e\\u0301' has another spelling here, '\\xe9'"):
        read_csv(write(tmp_path, "1,\u00e9\n1,e\u0301\n"), "2")


def test_columns_that_accompany_a_record_are_no_features(tmp_path: Path) -> None:
    """Unless the file has no header, or one of them is the label; empty cells are none."""
    content = "id,a,subject,b,batch,context,kind\nr1,1,s1,2,,seen on Monday,x\nr2,3,,4,m,,y\n"
    table = read_csv(write(tmp_path, content), "kind")
    assert (table.schema.names, table.labels) == (("a", "b"), ("x", "y"))
    assert table.beside == {
        "id": ("r1", "r2"),
        "subject": ("s1", None),
        "batch": (None, "m"),
        "context": ("seen on Monday", None),
    }
    by_batch = read_csv(write(tmp_path, "a,batch\n1,x\n2,y\n"), "batch")
    assert (by_batch.schema.names, by_batch.labels, by_batch.beside) == (("a",), ("x", "y"), {})


def test_dropped_columns_are_not_read(tmp_path: Path) -> None:
    """By name or number, whatever is in them."""
    content = "a;notes;b;2;kind\n1;free text;2;?;x\n"
    table = read_csv(write(tmp_path, content), "kind", TableOptions(drop=("notes", "4")))
    assert (table.schema.names, table.features.tolist()) == (("a", "b"), [[1, 2]])


def test_decimal_commas_are_read_where_that_is_asked_for(tmp_path: Path) -> None:
    """In a quoted cell of a file of commas too; labels and texts stay as they are."""
    for content in ("a;b;id\n1,5;-2,25e2;1,5\n,5;3;1.5\n", 'a,b,id\n"1,5","-2,25e2","1,5"\n",5",3,1.5\n'):
        table = read_csv(write(tmp_path, content), None, TableOptions(decimal_comma=True))
        assert table.features.tolist() == [[1.5, -225], [0.5, 3]]
        assert table.beside["id"] == ("1,5", "1.5")


def test_a_wide_file_with_unicode_names_is_read(tmp_path: Path) -> None:
    """5,000 columns, with names in any script."""
    names = [f"größe {i}" if i % 2 else f"特徴{i}" for i in range(5000)]
    rows = np.arange(15_000, dtype=np.float64).reshape(3, 5000)
    content = "\n".join([",".join(names), *(",".join(map(repr, row)) for row in rows.tolist())])
    table = read_csv(write(tmp_path, content))
    assert table.schema.names == tuple(names)
    assert np.array_equal(table.features, rows)


#: Cell, whether --decimal-comma is given, and the remedy.
NO_NUMBERS = [
    ("1,5", False, "write decimals with a point, or give --decimal-comma"),
    ("1,234", False, "write decimals with a point, or give --decimal-comma, and leave thousands separators out"),
    ("1,234,567", False, "write it without thousands separators"),
    ("1,234.5", False, "write it without thousands separators"),
    ("1.234,5", False, "write it without thousands separators"),
    ("1.234.567", False, "write it without thousands separators"),
    ("1 234", False, "write it without thousands separators"),
    ("1\u202f234", False, "write it without thousands separators"),
    ("-12'345.5", False, "write it without thousands separators"),
    ("1.5", True, "with --decimal-comma no number has a point; write it without thousands separators"),
    ("1.234", True, "with --decimal-comma no number has a point; write it without thousands separators"),
    ("1.234,5", True, "with --decimal-comma no number has a point; write it without thousands separators"),
    ("1 234,5", True, "write it without thousands separators"),
    ("1,2,3", True, ""),
    ("12.3.4", False, ""),
    ("one", False, ""),
]


@pytest.mark.parametrize(("cell", "comma", "remedy"), NO_NUMBERS)
def test_a_number_of_another_dialect_is_refused_with_the_remedy(
    cell: str, comma: bool, remedy: str, tmp_path: Path
) -> None:
    """No separator is guessed: 1,234 is a thousand here and one and a bit there."""
    options = TableOptions(decimal_comma=comma)
    assert (options.number(cell), options.remedy(cell)) == (None, remedy)
    with pytest.raises(BadFile) as error:
        read_csv(write(tmp_path, f"a;b\n1;2\n1;{cell}\n"), None, options)
    assert f"line 3, column 2 (b): {cell!r} where a number belongs; {remedy}" in str(error.value)


BAD = {
    "nothing": ("", None, ": is empty"),
    "blank lines only": ("\n\n,,\n", None, ": is empty"),
    "header only": ("\na,b\n", None, ", line 2: has a header and no rows"),
    "no such label": ("a,b\n1,2\n", "c", ", line 1: there is no column 'c'; there are 'a', 'b'"),
    "no such number": ("a,b\n1,2\n", "3", ", line 1: there is no column '3'; there are 'a', 'b'"),
    "column nought": ("a,b\n1,2\n", "0", ", line 1: there is no column '0'; there are 'a', 'b'"),
    "a name without a header": (
        "1,2\n",
        "b",
        ", line 1: there is no column 'b'; there are 'x1', 'x2'; line 1 holds numbers, so it is no header",
    ),
    "text": ("a,b\n1,2\n1,two\n", None, ", line 3, column 2 (b): 'two' where a number belongs"),
    "text without a header": ("1,2\n1,two\n", "1", ", line 2, column 2: 'two' where a number belongs"),
    "an underscore": ("a,b\n1,2\n1,2_0\n", None, ", line 3, column 2 (b): '2_0' where a number belongs"),
    "a decimal comma": ("a;b\n1,5;2\n", "b", ", line 2, column 1 (a): '1,5' where a number belongs; write decimals"),
    "no values": ("a,b\n,2\n,4\n", None, ", column 1 (a): has no values; leave it out with --drop"),
    "nan": ("a,b\n1,2\n1,NaN\n", None, ", line 3, column 2 (b): 'NaN' isn't a finite number"),
    "infinite": ("a,b\n1,2\n1e400,2\n", None, ", line 3, column 1 (a): '1e400' isn't a finite number"),
    "an empty label": ("a,b\n1,x\n1,\n", "b", ", line 3, column 2 (b): empty where a label belongs"),
    "a label of which nothing is visible": (
        "a,b\n1,1\n1,\u200b\n",
        "b",
        ", line 3, column 2 (b): the label has nothing visible in it",
    ),
    "a long label": (f"a,b\n1,{'x' * 257}\n", "b", ", line 2, column 2 (b): the label is 257 bytes long"),
    "a short row": ("a,b,c\n1,2,3\n1,2\n", None, ", line 3, column 3 (c): 2 fields, where line 1 has 3"),
    "a long row": ("1,2\n1,2,3\n", None, ", line 2, column 3: 3 fields, not 2"),
    "the same name": ("a,b,a\n1,2,3\n", None, ", line 1, column 3 (a): column 1 has the same name"),
    "no name": ("a,,c\n1,2,3\n", None, ", line 1, column 2: has no name"),
    "a long subject": (f"a,subject\n1,{'s' * 257}\n", None, ", line 2, column 2 (subject): it is 257 bytes long"),
    "a long context": (f"a,context\n1,{'s' * 2049}\n", None, ", line 2, column 2 (context): it is 2049 bytes long"),
    "nothing but what accompanies": (
        "id,subject\n1,2\n",
        None,
        ", line 1: there is no column of features beside others",
    ),
    "only a label": ("kind\nx\n", "kind", ", line 1, column 1 (kind): there is no column of features beside the label"),
    "not UTF-8": (b"a,b\n1,2\n1,\xfc\n", None, ", line 3: byte 0xfc at character 3 isn't UTF-8"),
    "UTF-16": ("a,b\n".encode("utf-16"), None, ", line 1: byte 0xff at character 1 isn't UTF-8"),
    "a NUL": ("a,b\n1,\0\n", None, ", line 2: a NUL byte"),
    "an open quote": ('a,b\n1,"2\n3,4\n', None, ", line 2: not CSV: unexpected end of data"),
    "a row over two lines": ('a,b\n"1\n",2\n1,x\n', None, ", line 4, column 2 (b): 'x' where a number belongs"),
    "a huge field": (f"a,b\n1,{'2' * 200_000}\n", None, ", line 2: not CSV: field larger than field limit"),
}


@pytest.mark.parametrize("case", BAD)
def test_each_fault_is_one_line_with_its_place(case: str, tmp_path: Path) -> None:
    """File, line and column, as far as there are any."""
    content, label, said = BAD[case]
    path = write(tmp_path, content)
    with pytest.raises(BadFile) as error:
        read_csv(path, label)
    assert str(error.value).startswith(path + said)
    assert "\n" not in str(error.value).removeprefix(path)


def test_what_is_no_file_is_said(tmp_path: Path) -> None:
    """A directory, a missing file, a path that can't be."""
    for path, said in ((str(tmp_path), "not a file"), (str(tmp_path / "x"), "no such file"), ("a\0b", "can't be read")):
        with pytest.raises(BadFile, match=said):
            read_csv(path)


def test_a_line_without_end_is_given_up_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is no text may have no lines at all."""
    monkeypatch.setattr(csv_rows, "LINE_MAX", 100)
    with pytest.raises(BadFile, match="line 1: longer than 100 characters"):
        read_csv(write(tmp_path, "1," * 100))


@given(st.binary(max_size=300), st.sampled_from([None, "1", "a"]))
def test_whatever_the_bytes_it_is_a_table_or_a_bad_file(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, label: str | None
) -> None:
    """No other exception comes out."""
    path = write(tmp_path_factory.getbasetemp(), content)
    try:
        table = read_csv(path, label)
    except BadFile:
        return
    assert np.isfinite(table.features).all()
    assert table.features.shape[1] == len(table.schema.names) > 0


MIXED = "age,colour,code,note\n31,red,1,a\n,green,2,a\n40,,1,NA\n22,red,3,b\n"


def test_a_column_that_is_not_numbers_is_a_category_and_an_empty_cell_is_missing(tmp_path: Path) -> None:
    table = read_csv(write(tmp_path, MIXED), None, TableOptions(missing={"NA"}))
    assert table.schema.features == (
        Feature("age", missing=True),
        Feature("colour", "category", missing=True),
        Feature("code"),
        Feature("note", "category", missing=True),
    )
    assert table.strings == (["red", "a"], ["green", "a"], [None, None], ["red", "b"])
    assert np.isnan(table.features).tolist() == [
        [False, False, False, False],
        [True, False, False, False],
        [False, False, True, True],
        [False, False, False, False],
    ]


def test_kinds_that_are_given_or_known_are_not_inferred(tmp_path: Path) -> None:
    """Codes are levels where the namespace has them as such, and as they are written."""
    schema = FeatureSchema((Feature("code", "category"), Feature("age")))
    for options in (TableOptions(kinds={"code": "category"}), TableOptions(schema=schema)):
        table = read_csv(write(tmp_path, "age,code\n1,007\n2,7\n"), None, options)
        assert (table.schema.features[1].kind, table.strings) == ("category", (["007"], ["7"]))
    with pytest.raises(BadFile, match="there is no column 'size' to be of a kind; there are 'age', 'code'"):
        read_csv(write(tmp_path, "age,code\n1,007\n"), None, TableOptions(kinds={"size": "number"}))


NO_FEATURES = {
    "an id": ([f"order-{i}" for i in range(30)], "has another value in every row, as an id has"),
    "many names": ([f"name {i % 1500}" for i in range(2000)], "has 1,500 different values of a word or two"),
    "a level that is too long": (["x" * 257, "y"] * 2, "has a value that is 257 bytes long"),
    "a typing error among numbers": (["1", "2", "x"], "'x' where a number belongs"),
}


@pytest.mark.parametrize("case", NO_FEATURES)
def test_a_column_that_is_no_feature_is_refused_with_a_word_to_drop_it(case: str, tmp_path: Path) -> None:
    cells, said = NO_FEATURES[case]
    content = "n,c\n" + "".join(f"{i},{cell}\n" for i, cell in enumerate(cells))
    with pytest.raises(BadFile) as error:
        read_csv(write(tmp_path, content))
    assert "column 2 (c): " in str(error.value)
    assert said in str(error.value)
    assert "--drop" in str(error.value)
    assert read_csv(write(tmp_path, content), None, TableOptions(drop=["c"])).schema.names == ("n",)


def test_long_values_that_mostly_differ_are_texts(tmp_path: Path) -> None:
    """In every row another one, some rows without, and one over the size of a level."""
    cells = [f"The {i}. letter, about the goods" for i in range(30)] + ["", "long " * 99 + "long"]
    table = read_csv(write(tmp_path, "n,letter\n" + "".join(f'{i},"{cell}"\n' for i, cell in enumerate(cells))))
    assert table.schema.features[1] == Feature("letter", "text", True)
    assert table.strings[30:] == ([None], [cells[31]])
    assert shown(table.schema) == "1 numbers, 1 texts (letter); may be missing: letter"


def test_a_file_of_kinds_is_read_and_its_faults_are_named(tmp_path: Path) -> None:
    path = tmp_path / "kinds.toml"
    path.write_text('age = "number"\ncode = "category"\nnotes = "text"\n')
    assert read_kinds(str(path)) == {"age": "number", "code": "category", "notes": "text"}
    no_kind = "a feature's kind is number, category or text, not 'date'"
    for content, said in (('age = "date"', no_kind), ("age =", "as TOML")):
        path.write_text(content)
        with pytest.raises(BadFile, match=said):
            read_kinds(str(path))
    with pytest.raises(BadFile, match="No such file"):
        read_kinds(str(tmp_path / "none.toml"))


def test_a_first_row_of_noughts_is_a_record(tmp_path: Path) -> None:
    table = read_csv(write(tmp_path, "0,yes\n1,no\n3,yes\n"), "2")
    assert (table.schema.names, table.features.tolist()) == (("x1",), [[0.0], [1.0], [3.0]])


def test_a_level_that_is_too_long_is_named_by_its_line(tmp_path: Path) -> None:
    """Also where the kind is known, and so is not inferred."""
    options = TableOptions(kinds={"c": "category"})
    with pytest.raises(BadFile, match=r"line 3, column 2 \(c\): a value that is 257 bytes long; 256 are allowed"):
        read_csv(write(tmp_path, f"a,c\n1,x\n2,{'y' * 257}\n"), None, options)
