"""The committed OpenAPI and AsyncAPI documents are those that the code makes, and valid."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgpack
import msgspec
import pytest

from relearn.schemas.asyncapi import UpdateBody, UpdateEnvelope
from relearn.schemas.http.links import LINKS
from relearn.schemas.http.operation import Operation
from relearn.schemas.http.operations import OPERATIONS
from relearn.schemas.openapi import openapi
from relearn.scripts.dev.documents import DIRECTORY, DOCUMENTS, text_of

GOLDEN = Path(__file__).parent / "golden"


def _operations(document: dict[str, Any]) -> dict[str, Any]:
    """The operations of a document by id."""
    return {one["operationId"]: one for path in document["paths"].values() for one in path.values()}


def _parts(schema: Any) -> Iterator[dict[str, Any]]:
    """Every object inside a schema, itself included."""
    if isinstance(schema, dict):
        yield schema
    for part in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from _parts(part)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_committed_document_is_what_the_code_says(name: str) -> None:
    """Where this fails, run `make documents` and look at what it changed."""
    assert (DIRECTORY / name).read_text() == text_of(DOCUMENTS[name]())


def test_every_schema_is_one_and_every_reference_leads_somewhere() -> None:
    for made in DOCUMENTS.values():
        document = made()
        for name in document["components"]["schemas"]:
            whole = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
            jsonschema_rs.validator_for(whole)


def test_components_have_unique_names_that_are_class_names() -> None:
    components = openapi()["components"]["schemas"]
    assert all(schema["title"] == name and name.isidentifier() for name, schema in components.items())
    assert len({name.lower() for name in components}) == len(components)


def test_every_array_has_items_and_every_time_its_format() -> None:
    for name, schema in openapi()["components"]["schemas"].items():
        for part in _parts(schema):
            assert part.get("type") != "array" or part["items"], name
        for field, of_field in schema.get("properties", {}).items():
            if field in {"at", "since"} or (field.endswith("_at") and field not in {"promotes_at", "rejects_at"}):
                assert any(part.get("format") == "date-time" for part in _parts(of_field)), (name, field)


def test_the_document_leaves_out_pages_and_keeps_every_other_operation() -> None:
    left_out = {one.path for one in OPERATIONS if not one.documented}
    assert left_out == {"/", "/web/{path}", "/docs", "/docs/{file}"}
    assert openapi()["paths"].keys() == {one.path for one in OPERATIONS} - left_out


def test_every_tag_has_a_description() -> None:
    document = openapi()
    assert {tag for one in _operations(document).values() for tag in one["tags"]} == {
        tag["name"] for tag in document["tags"] if tag["description"]
    }


def test_every_operation_id_is_a_verb_with_its_object() -> None:
    verbs = {"list", "get", "check", "create", "claim", "review", "redrive", "activate", "train", "predict", "infer"}
    verbs |= {"hold", "resume", "rollback", "stream"}
    assert {one.id.split("_")[0] for one in OPERATIONS} == verbs


def test_every_answer_names_its_headers_and_a_fault_of_the_server_is_described() -> None:
    for name, operation in _operations(openapi()).items():
        assert "500" in operation["responses"]
        assert all("X-Request-Id" in answer["headers"] for answer in operation["responses"].values())
        for status in {"429", "503"} - ({"503"} if name.startswith("get_readiness") else set()):
            assert "Retry-After" in operation["responses"][status]["headers"], name


def test_links_lead_to_operations_and_parameters_that_are_there() -> None:
    document = openapi()
    operations = _operations(document)
    assert LINKS.keys() <= operations.keys()
    for operation in operations.values():
        for answer in operation["responses"].values():
            for link in answer.get("links", {}).values():
                known = {parameter["name"] for parameter in operations[link["operationId"]]["parameters"]}
                assert set(link["parameters"]) <= known


def test_ids_paths_and_variables_of_operations_agree() -> None:
    assert len({one.id for one in OPERATIONS}) == len(OPERATIONS)
    assert len({(one.method, one.path) for one in OPERATIONS}) == len(OPERATIONS)
    for one in OPERATIONS:
        variables = {part[1:-1] for part in one.path.split("/") if part.startswith("{")}
        named = set(one.path_type.__struct_encode_fields__) if one.path_type else set()
        assert variables == named, one.id


def test_an_operation_says_all_that_the_document_needs() -> None:
    assert {"id", "summary", "role", "answer"} <= {field.name for field in fields(Operation)}
    assert all(one.summary.endswith(".") for one in OPERATIONS)


def test_an_operation_with_a_body_has_an_example_of_it() -> None:
    assert all((one.body is None) == (one.example is None) for one in OPERATIONS)
    for one in OPERATIONS:
        if one.body is not None:
            msgspec.convert(one.example, one.body)


def test_a_model_update_has_the_fields_that_the_document_names() -> None:
    envelope = msgpack.unpackb((GOLDEN / "model-update-v1.bin").read_bytes())
    assert set(envelope) == set(UpdateEnvelope.__struct_encode_fields__)
    assert set(msgpack.unpackb(envelope["body"])) == set(UpdateBody.__struct_encode_fields__)


def test_documents_are_json_alone() -> None:
    for made in DOCUMENTS.values():
        assert json.loads(text_of(made())) == made()
