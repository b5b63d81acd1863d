"""A mapping file is read whole, or refused with every fault in it by name."""

from __future__ import annotations

import pytest

from relearn.schemas.errors import SettingsError
from relearn.schemas.foreign.mapping import TextPath, check_features, parse_mapping

WHOLE = """
id = "order_id"
subject = "customer.id"
batch = "run?"
context = "'free.text'[0]"
unwrap = false

[features]
age = "customer.age"
"income.net" = 'customer."income.net"'
"""


def test_a_mapping_names_features_and_texts() -> None:
    found = parse_mapping(WHOLE, "M")
    assert found.features == {"age": ("customer", "age"), "income.net": ("customer", "income.net")}
    assert found.texts == {
        "id": TextPath(("order_id",)),
        "subject": TextPath(("customer", "id")),
        "batch": TextPath(("run",), optional=True),
        "context": TextPath(("free.text", 0)),
    }
    assert found.unwrap is False
    assert parse_mapping('[features]\na = "a"', "M").unwrap is True


def test_every_fault_is_reported_by_its_name() -> None:
    content = """
id = 7
subject = "a..b"
feature = "x"
unwrap = "yes"
[features]
a = ["x"]
b = "x["
"" = "x"
c.d = "nested"
good = "good"
"""
    with pytest.raises(SettingsError) as raised:
        parse_mapping(content, "RELEARN_INGEST_MAPPING=m.toml")
    lines = str(raised.value).splitlines()
    assert all(line.startswith("RELEARN_INGEST_MAPPING=m.toml: ") for line in lines)
    assert [line.split(": ")[1] for line in lines] == [
        "feature",
        "unwrap",
        "features.a",
        "features.b",
        "features.''",
        "features.c",
        "id",
        "subject",
    ]
    assert "features.a: should be a path in quotes, is a list" in lines[2]
    assert "subject: 'a..b' is no path: a name is expected at character 3" in lines[-1]


@pytest.mark.parametrize("content", ["", "id = 'x'", "features = []", "[features]", "features = ", "a = " + "[" * 5000])
def test_a_file_without_features_is_refused(content: str) -> None:
    with pytest.raises(SettingsError, match=r"M: (features: should be a table|not TOML)"):
        parse_mapping(content, "M")


def test_the_features_of_a_model_are_compared_by_name() -> None:
    found = parse_mapping('[features]\na = "x"\nb = "y"\nold = "z"', "M")
    assert check_features(found, ["b", "a"]) == ([], ["old"])
    assert check_features(found, ["a", "new", "b", "old"]) == (["new"], [])
