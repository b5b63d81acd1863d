"""The committed OpenAPI and AsyncAPI documents are those that the code makes, and valid."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

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


def test_links_lead_to_operations_and_parameters_that_are_there() -> None:
    document = openapi()
    operations = {one["operationId"]: one for path in document["paths"].values() for one in path.values()}
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
