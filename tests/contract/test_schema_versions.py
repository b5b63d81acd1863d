"""Records of all versions of the features in flight at once: each becomes a row of the newest, or a dead letter."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgpack
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from relearn.agents.learning.encode import columns_matrix
from relearn.agents.learning.onto_model import onto_model
from relearn.agents.learning.predict import predict
from relearn.agents.models.live import LiveModel, Served
from relearn.agents.models.reading import Reading
from relearn.agents.models.swapper import Swapper
from relearn.agents.score.score_records import blocks_of, score_parts
from relearn.schemas.errors import BadMessage, BadModel, Refused
from relearn.schemas.features import Feature, FeatureSchema, Value, code_of, numbers_alone
from relearn.schemas.foreign.mapping import parse_mapping
from relearn.schemas.foreign.reader import ForeignReader
from relearn.schemas.messages.forms.versions import Versions
from relearn.schemas.messages.ingest_fast_path import decode_parts
from relearn.schemas.messages.predictions import decode_block, encode_block
from relearn.schemas.model.encoder import CategoryPart, Encoder, NumberPart
from relearn.schemas.model.linear_svm import Model
from relearn.schemas.model.signatures import Signer, Verifier
from relearn.schemas.model.signed_schema import decode_chain, encode_chain
from relearn.schemas.model.signed_updates import Update, decode_update, encode_update
from relearn.schemas.schema_changes import SchemaChange, change_fields, changed, check_change, read_change
from relearn.schemas.schema_versions import SchemaChain, SchemaVersion
from tests.support.data.messages import FakeMessage
from tests.support.data.models import a_model

Record = dict[str, Value]

NUMBERS = st.floats(-1e6, 1e6).map(float)
LEVELS = st.sampled_from(["", "red", "blue", "é", "a longer level"])


def a_chain(first: FeatureSchema, *changes: SchemaChange) -> SchemaChain:
    versions = [SchemaVersion(1, first, {})]
    for change in changes:
        check_change(SchemaChain(tuple(versions)), change._replace(reuse_length=True))
        versions.append(changed(versions[-1], change, versions[-1].number + 1))
    return SchemaChain(tuple(versions))


def values_of_kind(feature: Feature) -> st.SearchStrategy[Value]:
    values: st.SearchStrategy[Value] = NUMBERS if feature.kind == "number" else LEVELS
    return st.none() | values if feature.missing else values


@st.composite
def chains(draw: st.DrawFn, *, mixed: bool = True) -> SchemaChain:
    """Up to four changes of one to three features."""
    kinds = st.sampled_from(["number", "category"]) if mixed else st.just("number")
    gaps = st.booleans() if mixed else st.just(False)
    names = iter("abcdefgh")
    firsts = [Feature(next(names), draw(kinds), draw(gaps)) for _ in range(draw(st.integers(1, 3)))]
    first = FeatureSchema(tuple(firsts))
    versions = [SchemaVersion(1, first, {})]
    for number in range(2, 2 + draw(st.integers(1, 4))):
        known = versions[-1].schema
        if len(known) > 1 and draw(st.booleans()):
            change = SchemaChange(retire=draw(st.sampled_from(known.names)))
        else:
            added = Feature(next(names), draw(kinds), draw(gaps))
            change = SchemaChange(added, draw(values_of_kind(added)))
        versions.append(changed(versions[-1], change, number))
    return SchemaChain(tuple(versions))


def records_of(schema: FeatureSchema) -> st.SearchStrategy[Record]:
    return st.fixed_dictionaries({one.name: values_of_kind(one) for one in schema.features})


def by_hand(chain: SchemaChain, record: Mapping[str, Value]) -> tuple[list[Value], list[float]]:
    """The values of the newest version, and its row: written without the code under test."""
    newest = chain.newest
    values = [record[name] if name in record else newest.defaults[name] for name in newest.schema.names]
    at = [*newest.schema.numbers, *newest.schema.strings]
    row = [math.nan if values[i] is None else code_of(one) if isinstance(one := values[i], str) else one for i in at]
    return values, [float(one) for one in row]


def messages_of(version: SchemaVersion, record: Record) -> dict[str, Any]:
    """One record in every form that can hold it."""
    names = list(version.schema.names)
    values = [record[name] for name in names]
    forms: dict[str, Any] = {
        "list, numbered": {"features": values, "schema": version.number},
        "map": {"features": record},
        "many by name": {"n": 1, "features": [values], "names": names},
        "many, numbered": {"n": 1, "features": [values], "schema": version.number},
        "list": {"features": values},
        "many": {"n": 1, "features": [values]},
    }
    if version.schema.plain:
        packed = np.array(values, dtype="<f8").tobytes()
        forms |= {
            "packed": {"features": packed},
            "packed, numbered": {"features": packed, "schema": version.number},
            "many packed": {"n": 1, "features": packed},
            "many packed by name": {"n": 1, "features": packed, "names": names},
        }
    return forms


def encoded(message: Mapping[str, Any], *, as_json: bool) -> bytes:
    if as_json and not isinstance(message["features"], bytes):
        return json.dumps(message).encode()
    return bytes(msgpack.packb(message))


@settings(max_examples=40)
@given(data=st.data(), mixed=st.booleans(), as_json=st.booleans())
def test_every_record_of_every_version_in_any_form_is_one_of_the_newest(
    data: st.DataObject, mixed: bool, as_json: bool
) -> None:
    chain = data.draw(chains(mixed=mixed))
    versions = Versions(chain)
    messages, expected, ignored = [], [], 0
    for version in data.draw(st.lists(st.sampled_from(chain.versions), min_size=1, max_size=6)):
        record = data.draw(records_of(version.schema))
        for form, message in messages_of(version, record).items():
            read_by = version
            if form in {"list", "many", "packed", "many packed"}:
                read_by = versions.by_width[len(version.schema)]
                if [one[:2] for one in read_by.schema.features] != [one[:2] for one in version.schema.features]:
                    continue  # read as the newer version, as it should be: another test
            messages.append(FakeMessage(encoded(message, as_json=as_json), offset=len(messages)))
            if form == "many packed by name" and any(isinstance(one, str) for one in chain.newest.defaults.values()):
                expected.append(None)
                continue
            if form == "many packed by name" and chain.newest.schema.strings:
                expected.append(None)
                continue
            expected.append(by_hand(chain, record))
            ignored += len(version.schema.known - chain.newest.schema.known)
    found: dict[int, tuple[list[Value], list[float]]] = {}
    rejects = []
    for records, bad in decode_parts(messages, chain.newest.schema, versions=versions):
        rejects += bad
        width = len(chain.newest.schema.numbers)
        for i, offset in enumerate(records.offsets.tolist()):
            row = records.features[i]
            strings = records.strings[i] if records.strings else None
            found[offset] = chain.newest.schema.values(row[:width].tolist(), strings), row.tolist()
    for offset, one in enumerate(expected):
        if one is None:
            assert offset not in found
            continue
        assert offset in found, [reject.fault for reject in rejects if reject.message.offset == offset]
        assert found[offset][0] == one[0]
        assert np.array_equal(found[offset][1], one[1], equal_nan=True)
    assert len(found) + len(rejects) == len(messages)
    assert versions.ignored >= ignored


CHAIN = a_chain(
    numbers_alone(["a", "b"]),
    SchemaChange(Feature("c"), 3.0),
    SchemaChange(retire="a"),
    SchemaChange(Feature("d", "number", missing=True), 7.0),
)


@pytest.mark.parametrize(
    ("message", "values"),
    [
        ({"features": {"b": 1.0, "c": 2.0}}, [1.0, 2.0, 7.0]),
        ({"features": {"b": 1.0}}, [1.0, 3.0, 7.0]),
        ({"features": {"a": "anything", "b": 1.0, "d": None}}, [1.0, 3.0, None]),
        ({"features": {"a": 0.0, "b": 1.0, "c": 2.0, "d": 4.0}}, [1.0, 2.0, 4.0]),
        ({"features": [5.0, 1.0], "schema": 1}, [1.0, 3.0, 7.0]),
        ({"features": [5.0, 1.0]}, [5.0, 1.0, 7.0]),  # two values: version 3 is the newest with two
        ({"features": [5.0, 1.0, 2.0], "schema": 2}, [1.0, 2.0, 7.0]),
        ({"features": [5.0, 1.0, 2.0], "schema": "a text of the sender's"}, [5.0, 1.0, 2.0]),
        ({"n": 1, "names": ["a", "b"], "features": [[5.0, 1.0]]}, [1.0, 3.0, 7.0]),
    ],
)
def test_what_a_message_means_while_features_change(message: dict[str, Any], values: list[Value]) -> None:
    for as_json in (False, True):
        parts = decode_parts(
            [FakeMessage(encoded(message, as_json=as_json))], CHAIN.newest.schema, versions=Versions(CHAIN)
        )
        ((records, rejects),) = parts
        assert not rejects
        assert CHAIN.newest.schema.values(records.features[0].tolist(), None) == values


@pytest.mark.parametrize(
    ("message", "reason", "named"),
    [
        ({"features": {"b": 1.0, "x": 2.0}}, "names", "'x'"),
        ({"features": {"c": 1.0}}, "names", "'b'"),
        ({"features": [1.0]}, "dimension", "1 features"),
        ({"features": [1.0, 2.0], "schema": 9}, "version", "9"),
        ({"features": [1.0, None], "schema": 1}, "invalid", "'b'"),
        ({"n": 1, "names": ["a", "x"], "features": [[5.0, 1.0]]}, "names", "'x'"),
        ({"n": 1, "names": ["a", "b"], "features": [[5.0, 1.0, 2.0]]}, "dimension", "0 features"),
    ],
)
def test_what_no_version_has_stays_a_dead_letter_that_names_it(
    message: dict[str, Any], reason: str, named: str
) -> None:
    ((records, rejects),) = decode_parts(
        [FakeMessage(encoded(message, as_json=False))], CHAIN.newest.schema, versions=Versions(CHAIN)
    )
    assert len(records) == 0
    assert (rejects[0].fault.reason, named in rejects[0].fault.detail) == (reason, True), rejects[0].fault


def test_a_mapping_may_lack_the_path_of_a_feature_that_has_a_default() -> None:
    """And so may a message of that shape; a value of a retired feature that it maps is ignored."""
    mapping = parse_mapping('[features]\nb = "x.b"\nc = "x.c"\na = "x.a"\n', "here")
    messages = [FakeMessage(json.dumps({"x": {"a": 9.0, "b": 1.0, **more}}).encode()) for more in ({}, {"c": 2.0})]
    parts = decode_parts(messages, CHAIN.newest.schema, ForeignReader(mapping, None), Versions(CHAIN))
    ((records, rejects),) = parts
    assert not rejects
    assert records.features.tolist() == [[1.0, 3.0, 7.0], [1.0, 2.0, 7.0]]


def test_margins_are_those_of_the_row_projected_by_hand() -> None:
    """A model of version 1 scores rows of version 4: without `c` and `d`, and with the mean of the retired `a`."""
    model = replace(a_model(1, d=2), feature_names=("a", "b"), mean=np.array([0.25, 4.0]))
    served = Served(model, 1, 1, 1)
    values = [encoded({"features": [5.0, float(i)], "schema": 1}, as_json=False) for i in range(4)]
    messages = [FakeMessage(value, offset=i) for i, value in enumerate(values)]
    (scored,) = score_parts(messages, Reading(served, None, CHAIN))
    by_hand_rows = np.array([[model.mean[0], float(i)] for i in range(4)])
    assert np.array_equal(scored.scores.margins, predict(model, by_hand_rows)[1])
    (block,) = blocks_of(scored, Reading(served, None, CHAIN), generation=0, scored_at=1.0)
    assert (block.schema, block.features.shape) == (4, (4, 3))
    again = decode_block(encode_block(block))
    assert again.schema == 4
    projection = onto_model(CHAIN, 4, model, 1)
    assert projection is not None
    assert np.array_equal(predict(model, projection.rows(again.features))[1], block.margins)


def test_a_retired_value_is_what_the_encoder_puts_for_a_missing_one() -> None:
    first = FeatureSchema((Feature("x", "number", missing=True), Feature("level", "category"), Feature("y")))
    chain = a_chain(first, SchemaChange(retire="x"), SchemaChange(retire="level"))
    parts = NumberPart(True, 2.5, True), CategoryPart(False, ("blue", "red")), NumberPart(False, 0.0, False)
    encoder = Encoder(parts)
    width = encoder.width
    rng = np.random.default_rng(0)
    arrays = rng.normal(size=(1, width)), rng.normal(size=1), rng.normal(size=width), np.ones(width)
    model = Model(1, ("0", "1"), ("x", "level", "y"), *arrays, encoder=encoder)
    projection = onto_model(chain, 3, model, 1)
    assert projection is not None
    row = projection.rows(np.array([[4.0]]))
    assert np.array_equal(columns_matrix(encoder, row), columns_matrix(encoder, np.array([[np.nan, 4.0, np.nan]])))


@given(chains())
def test_the_signed_message_holds_the_chain(chain: SchemaChain) -> None:
    signer = Signer("k", Ed25519PrivateKey.generate())
    verifier = Verifier({signer.key_id: signer.key.public_key()})
    value = encode_chain(chain, "here", 1.0, signer)
    assert value == encode_chain(chain, "here", 1.0, signer)
    found = decode_chain(value, verifier, "here")
    assert [(one.number, one.schema, dict(one.defaults)) for one in found.versions] == [
        (one.number, one.schema, dict(one.defaults)) for one in chain.versions
    ]


def test_a_program_that_does_not_know_the_message_refuses_it_and_goes_on() -> None:
    """So does one that knows it, where it stands under the key of a model; and an older chain changes nothing."""
    signer = Signer("k", Ed25519PrivateKey.generate())
    verifier = Verifier({signer.key_id: signer.key.public_key()})
    live = LiveModel()
    swapper = Swapper(live, verifier, "here")
    newest, before = (encode_chain(one, "here", 1.0, signer) for one in (CHAIN, SchemaChain(CHAIN.versions[:2])))
    with pytest.raises(BadModel, match="role"):
        decode_update(newest, verifier, "here")
    assert not swapper.apply(newest)
    assert swapper.apply_schema(newest)
    assert not swapper.apply_schema(before)
    assert not swapper.apply_schema(b"rubbish")
    assert (live.schema, swapper.refused["stale"], swapper.refused["unreadable"]) == (4, 1, 1)


def test_models_of_one_chain_replace_each_other_and_those_of_another_do_not() -> None:
    signer = Signer("k", Ed25519PrivateKey.generate())
    verifier = Verifier({signer.key_id: signer.key.public_key()})
    live = LiveModel()
    swapper = Swapper(live, verifier, "here")

    def update(activation: int, version: int, names: tuple[str, ...], schema: int, base: int) -> bool:
        model = replace(a_model(version, d=len(names)), feature_names=names)
        one = Update("here", "champion", activation, model, None, {}, 1.0, schema, base)
        return swapper.apply(encode_update(one, signer))

    assert update(1, 1, ("a", "b"), 1, 1)
    assert update(2, 2, ("a", "b", "c"), 2, 1)
    assert update(3, 1, ("a", "b"), 1, 1)  # a rollback
    assert not update(4, 3, ("x", "y"), 1, 1)
    assert update(5, 4, ("x", "y"), 3, 3)  # the features were replaced as a whole
    assert not update(6, 1, ("a", "b"), 1, 1)


@given(chains(), st.data())
def test_projections_follow_one_another(chain: SchemaChain, data: st.DataObject) -> None:
    """Onto itself a row is unchanged, and of what two versions share nothing is."""
    for source in chain.versions:
        d = len(source.schema)
        matrix = np.array(data.draw(st.lists(st.lists(NUMBERS, min_size=d, max_size=d), min_size=1, max_size=3)))
        own = chain.projection(source.number, source.number)
        assert own is not None and own.same and own.rows(matrix) is matrix
        for target in chain.versions:
            found = chain.projection(source.number, target.number)
            assert found is not None
            projected = found.rows(matrix)
            assert projected.shape == (len(matrix), len(target.schema))
            for column, name in enumerate(target.schema.row_names):
                if name in source.schema.known:
                    given_at = source.schema.row_names.index(name)
                    assert np.array_equal(projected[:, column], matrix[:, given_at])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (SchemaChange(Feature("b"), 1.0), "already"),
        (SchemaChange(Feature("a", "category"), "x"), "was a number"),
        (SchemaChange(retire="a"), "no feature"),
        (SchemaChange(retire="zz"), "no feature"),
        (SchemaChange(retire="c"), "--reuse-length"),
    ],
)
def test_a_change_that_can_not_be_is_refused_with_a_word(change: SchemaChange, why: str) -> None:
    with pytest.raises(Refused, match=why):
        check_change(CHAIN, change)


def test_the_last_feature_stays() -> None:
    with pytest.raises(Refused, match="last feature"):
        check_change(a_chain(numbers_alone(["a"])), SchemaChange(retire="a"))


@pytest.mark.parametrize(
    "fields",
    [
        None,
        {"add": {"name": "x", "kind": "number"}},
        {"add": {"name": "x", "kind": "number"}, "default": "1"},
        {"add": {"name": "x", "kind": "number"}, "default": 1e141},
        {"add": {"name": "x", "kind": "number"}, "default": math.inf},
        {"add": {"name": "x", "kind": "number"}, "default": True},
        {"add": {"name": "x", "kind": "category"}, "default": 1.0},
        {"add": {"name": "x", "kind": "picture"}, "default": 1.0},
        {"add": {"name": "", "kind": "number"}, "default": 1.0},
        {"add": {"name": "x\0", "kind": "number"}, "default": 1.0},
        {"add": {"name": "x", "kind": "number"}, "default": 1.0, "retire": "y"},
        {"retire": 3},
    ],
)
def test_fields_that_are_no_change_are_refused(fields: Any) -> None:
    with pytest.raises(BadMessage):
        read_change(fields)


@given(st.builds(SchemaChange, st.none(), st.none(), st.text(min_size=1), st.booleans()))
def test_a_change_reads_back_as_it_was_written(change: SchemaChange) -> None:
    assert read_change(change_fields(change)) == change
