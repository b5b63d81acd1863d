"""Files that `relearn model import` doesn't take: refused with a word, before skops reads them, and nothing runs."""

from __future__ import annotations

import io
import json
import struct
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC, LinearSVC

from relearn.schemas.errors import BadFile, Refused
from relearn.scripts.model_import import skops_file
from relearn.scripts.model_import.linear_model import convert
from relearn.scripts.model_import.skops_file import read_skops

X = np.random.default_rng(0).normal(size=(30, 3))
Y = np.where(X[:, 0] > 0, "yes", "no")
#: Where an object that runs code would write.
RAN: list[str] = []


def fitted() -> LinearSVC:
    return LinearSVC().fit(X, Y)


def members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def packed(parts: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", method) as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return whole.getvalue()


def edited(change: Callable[[dict[str, Any]], None], model: Any = None) -> bytes:
    """A file whose tree of objects was changed by hand. The attributes are in tree["content"]["content"]."""
    parts = members(skops.io.dumps(model or fitted()))
    tree = json.loads(parts["schema.json"])
    change(tree)
    return packed({**parts, "schema.json": json.dumps(tree).encode()})


def with_attribute(value: Any, name: str = "C") -> bytes:
    return edited(lambda tree: tree["content"]["content"].update({name: value}))


def with_array(content: bytes) -> bytes:
    """The weights' .npy replaced."""
    parts = members(skops.io.dumps(fitted()))
    tree = json.loads(parts["schema.json"])
    return packed({**parts, tree["content"]["content"]["coef_"]["file"]: content})


def npy(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def header(description: str, data: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(description)) + description.encode() + data


def node(loader: str, type_name: str, **more: Any) -> dict[str, Any]:
    module, _, name = type_name.rpartition(".")
    return {"__class__": name, "__module__": module, "__loader__": loader, **more}


def shout(*_: Any) -> None:
    RAN.append("ran")


TEXT = {**node("JsonNode", "builtins.str"), "content": '"x"', "is_json": True}
NESTED = node("ListNode", "builtins.list", content=[])
for _ in range(40):
    NESTED = node("ListNode", "builtins.list", content=[NESTED])

HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", "isn't a whole skops file"),
    "text": (lambda: b"{}", "isn't a whole skops file"),
    "a pickle": (lambda: b"\x80\x04cbuiltins\neval\n.", "isn't a whole skops file"),
    "another zip": (lambda: packed({"a.txt": b"x"}), "no schema.json"),
    "no JSON": (lambda: packed({"schema.json": b"{"}), "isn't JSON"),
    "deep JSON": (lambda: packed({"schema.json": b"[" * 100_000}), "isn't JSON"),
    "a list": (lambda: packed({"schema.json": b"[]"}), "tree of objects"),
    "cut short": (lambda: skops.io.dumps(fitted())[:-50], "isn't a whole skops file"),
    "a bomb": (lambda: packed({"schema.json": b"{}", "x.npy": bytes(100_000_000)}), "would unpack to 100,000,002"),
    "a large tree": (lambda: packed({"schema.json": b" " * 9_000_000}), "schema.json has 9,000,000 bytes"),
    "bzip2": (lambda: packed({"schema.json": b"{}"}, zipfile.ZIP_BZIP2), "another method"),
    "lzma": (lambda: packed({"schema.json": b"{}"}, zipfile.ZIP_LZMA), "another method"),
    "many members": (lambda: packed({f"{i}.npy": b"" for i in range(10_001)}), "more than 10,000"),
    "a forest": (lambda: skops.io.dumps(RandomForestClassifier(2).fit(X, Y)), "RandomForestClassifier: only LinearSVC"),
    "a kernel": (lambda: skops.io.dumps(SVC().fit(X, Y)), "sklearn.svm._classes.SVC: only"),
    "PCA before": (lambda: skops.io.dumps(make_pipeline(PCA(2), LinearSVC()).fit(X, Y)), "PCA: only"),
    "a text": (
        lambda: skops.io.dumps(
            make_pipeline(TfidfVectorizer(), LinearSVC()).fit(["one two", "two three"] * 5, [0, 1] * 5)
        ),
        "TfidfVectorizer: only",
    ),
    "a function": (lambda: skops.io.dumps(FunctionTransformer(np.exp)), "numpy.exp"),
    "a function of the writer": (lambda: skops.io.dumps(FunctionTransformer(shout)), "shout"),
    "a partial": (lambda: skops.io.dumps(FunctionTransformer(partial(shout, 1))), "partial"),
    "a method": (
        lambda: with_attribute(node("MethodNode", "builtins.str", content={"func": "upper", "obj": TEXT})),
        "MethodNode",
    ),
    "an operator": (
        lambda: with_attribute(node("OperatorFuncNode", "operator.attrgetter", attrs=TEXT)),
        "OperatorFuncNode",
    ),
    "a class as type": (lambda: with_attribute(node("TypeNode", "os.system")), "os.system"),
    "a loader of another type": (lambda: with_attribute(node("ObjectNode", "subprocess.Popen")), "subprocess.Popen"),
    "a constructor": (
        lambda: with_attribute(node("ConstructorFromReduceNode", "pathlib.Path", content=TEXT)),
        "ConstructorFromReduceNode",
    ),
    "a reduce": (lambda: with_attribute({**TEXT, "__loader__": "LossNode", "__reduce__": {}}), "builtins.str"),
    "a random state": (
        lambda: skops.io.dumps(LinearSVC(random_state=np.random.RandomState(0)).fit(X, Y)),
        "RandomState",
    ),
    "an unknown loader": (lambda: with_attribute(node("EvalNode", "builtins.str")), "EvalNode"),
    "no loader": (lambda: with_attribute({"__class__": "x", "__module__": "y"}), "y.x"),
    "an unhashable id": (lambda: with_attribute({**TEXT, "__id__": []}), "skops can't read it"),
    "an unknown cached id": (lambda: with_attribute(node("CachedNode", "builtins.str", __id__=7)), "skops can't read"),
    "deep objects": (lambda: with_attribute(NESTED), "nested too deep"),
    "a list in itself": (
        lambda: with_attribute({**NESTED, "__id__": 5, "content": [node("CachedNode", "builtins.list", __id__=5)]}),
        "skops can't read it",
    ),
    "a newer protocol": (lambda: edited(lambda tree: tree.update(protocol=99)), "protocol"),
    "no array": (lambda: with_array(b"x"), "header"),
    "an array of objects": (lambda: with_array(npy(np.array([shout, 1], dtype=object))), "array of object"),
    "an array of records": (lambda: with_array(npy(np.zeros(3, dtype=[("a", "f8")]))), "array of"),
    "an array of complex numbers": (lambda: with_array(npy(np.zeros((1, 3), dtype=complex))), "complex128"),
    "a declared size": (
        lambda: with_array(header("{'descr': '<f8', 'fortran_order': False, 'shape': (100000, 100000), }", bytes(24))),
        "isn't its size",
    ),
    "a negative size": (
        lambda: with_array(header("{'descr': '<f8', 'fortran_order': False, 'shape': (-3, -1), }", bytes(24))),
        "isn't its size",
    ),
    "a header that calls": (lambda: with_array(header("__import__('os').system('x')")), "header"),
    "an array that is missing": (
        lambda: edited(lambda tree: tree["content"]["content"]["coef_"].update(file="../../etc/passwd")),
        "lacks the array",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_with_a_word(tmp_path: Path, name: str) -> None:
    make, why = HOSTILE[name]
    path = tmp_path / "model.skops"
    path.write_bytes(make())
    RAN.clear()
    with pytest.raises(BadFile, match=why) as caught:
        read_skops(path)
    assert len(str(caught.value).splitlines()) == 1
    assert RAN == []


def test_nothing_large_is_unpacked(tmp_path: Path) -> None:
    """128 MB in 130 kB."""
    path = tmp_path / "model.skops"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file, file.open("x.npy", "w", force_zip64=True) as member:
        for _ in range(8):
            member.write(bytes(1 << 24))
    tracemalloc.start()
    with pytest.raises(BadFile, match="would unpack to"):
        read_skops(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2 * skops_file.FILE_MAX_BYTES


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(skops_file, "FILE_MAX_BYTES", 1000)
    path = tmp_path / "model.skops"
    path.write_bytes(skops.io.dumps(fitted()))
    with pytest.raises(BadFile, match="larger than 1,000 bytes"):
        read_skops(path)
    with pytest.raises(BadFile, match="No such file"):
        read_skops(tmp_path / "nowhere")


def test_the_same_member_twice_is_refused(tmp_path: Path) -> None:
    """One could be checked, and the other be read."""
    path = tmp_path / "model.skops"
    path.write_bytes(skops.io.dumps(fitted()))
    with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as file:
        warnings.simplefilter("ignore")
        file.writestr("schema.json", "{}")
    with pytest.raises(BadFile, match="the same member twice"):
        read_skops(path)


def _set(name: str, value: Any) -> Callable[[LinearSVC], None]:
    return lambda model: setattr(model, name, value)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_set("coef_", np.array([[1.0, np.nan, 0.0]])), "coef_ has a value that isn't finite"),
        (_set("coef_", np.array([[1.0, np.inf, 0.0]])), "coef_ has a value that isn't finite"),
        (_set("coef_", np.zeros((1, 4))), r"coef_ has the shape \(1, 4\), should have \(1, 3\)"),
        (_set("coef_", np.zeros((3, 3))), "the shape"),
        (_set("coef_", "x"), "should be an array of numbers, is str"),
        (_set("coef_", np.array([["a", "b", "c"]])), "should be an array of numbers"),
        (_set("intercept_", np.array([1.0, 2.0])), "intercept_ has the shape"),
        (_set("intercept_", None), "should be an array of numbers"),
        (_set("classes_", np.array(["yes"])), "1 classes"),
        (_set("classes_", np.array(["yes", "yes "])), "two classes with the label 'yes'"),
        (_set("classes_", np.array(["yes", ""])), "nothing visible"),
        (_set("classes_", np.array([1.0, np.nan])), "isn't a finite number"),
        (_set("classes_", np.array([f"{i}" for i in range(501)])), "501 classes"),
        (_set("n_features_in_", 10**9), "features|shape"),
        (_set("n_features_in_", "3"), "n_features_in_"),
        (_set("feature_names_in_", np.array(["a", "b", "a"], dtype=object)), "each once"),
        (_set("feature_names_in_", np.array(["a", "b"], dtype=object)), "2 feature names for 3 features"),
        (_set("decision_function", "overridden"), "has a method of its own: 'decision_function'"),
        (_set("predict", "overridden"), "has a method of its own"),
    ],
)
def test_a_model_with_parts_that_can_not_be_is_refused(
    tmp_path: Path, change: Callable[[LinearSVC], None], why: str
) -> None:
    model, path = fitted(), tmp_path / "model.skops"
    change(model)
    path.write_bytes(skops.io.dumps(model))
    with pytest.raises(Refused, match=why):
        convert(read_skops(path).content, None)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=8), st.booleans())
def test_changed_bytes_give_a_word_or_a_model(tmp_path: Path, changes: list[tuple[int, int]], inside: bool) -> None:
    """`inside`: in the unpacked parts, so that checksums are right."""
    parts = members(skops.io.dumps(fitted()))
    whole = packed(parts)
    if inside:
        tree = bytearray(parts["schema.json"])
        for place, byte in changes:
            tree[place % len(tree)] = byte
        whole = packed({**parts, "schema.json": bytes(tree)})
    else:
        changed = bytearray(whole)
        for place, byte in changes:
            changed[place % len(changed)] = byte
        whole = bytes(changed)
    path = tmp_path / "model.skops"
    path.write_bytes(whole)
    try:
        found = convert(read_skops(path).content, None)
    except (BadFile, Refused) as exc:
        assert len(str(exc).splitlines()) == 1
    else:
        assert np.isfinite(found.model.weights).all()
