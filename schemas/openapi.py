"""The OpenAPI 3.1 document of the HTTP API, made from the operations and their types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from relearn import __version__
from relearn.schemas.http.links import LINKS
from relearn.schemas.http.operation import JSON, Operation
from relearn.schemas.http.operations import OPERATIONS
from relearn.schemas.http.problems import CONTENT_TYPE, PROBLEMS, Kind, Problem

Schema = dict[str, Any]

_REFERENCE = "#/components/schemas/{name}"
_DESCRIPTION = """
Score a Kafka stream with a linear SVM that people correct while it runs.

Whatever this API changes, it changes by sending a message that the broker has acknowledged before the answer is given:
`202` means that it can't be lost, not that it has been done. Lists are newest first, with opaque cursors. Errors are
problems (RFC 9457) whose `type` stays the same; under `/v2` they have the form of the Open Inference Protocol.
"""
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same key and body within 24 hours: the same answer, and nothing is done twice. Best effort.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}
#: What any operation may end with, beside its own.
_ALWAYS: tuple[Kind, ...] = ("malformed", "expectation-failed", "too-many-requests", "unavailable")


def openapi() -> Schema:
    """The document, as JSON's values."""
    types = [Problem, *(kind for operation in OPERATIONS for kind in _types(operation))]
    schemas, components = _named(*msgspec.json.schema_components(types, ref_template=_REFERENCE))
    by_type = {id(kind): schema for kind, schema in zip(types, schemas, strict=True)}
    paths: dict[str, Schema] = {}
    for operation in OPERATIONS:
        described = _operation(operation, by_type, components)
        path = paths.setdefault(operation.path, {})
        path[operation.method.lower()] = described
        if "HEAD" in operation.methods:
            path["head"] = _without_bodies(described)
    parameters = {id(kind) for one in OPERATIONS for kind in (one.path_type, one.query) if kind is not None}
    only_parameters = {by_type[kind]["$ref"].rsplit("/", 1)[1] for kind in parameters}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Relearn", "version": __version__, "description": _DESCRIPTION.strip()},
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in dict.fromkeys(operation.tag for operation in OPERATIONS)],
        "paths": paths,
        "components": {
            "schemas": {name: schema for name, schema in components.items() if name not in only_parameters},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "`relearn key create`"}},
        },
    }


def _named(schemas: Any, components: Any) -> tuple[Any, Any]:
    """`Page[Batch]` under the name `BatchPage`: a name that a client generator can use."""
    names = {name: f"{name[5:-1]}Page" for name in components if name.startswith("Page_")}

    def renamed(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [renamed(one) for one in value]
        if not isinstance(value, dict):
            return value
        found = {key: renamed(one) for key, one in value.items()}
        name = value["$ref"].rsplit("/", 1)[1] if "$ref" in value else None
        return found if name not in names else {**found, "$ref": _REFERENCE.format(name=names[name])}

    found = {names.get(name, name): renamed(schema) for name, schema in components.items()}
    return renamed(schemas), {name: {**schema, "title": name} for name, schema in found.items()}


def _types(operation: Operation) -> Iterator[Any]:
    kinds = (operation.path_type, operation.query, operation.body, operation.answer, operation.error)
    yield from (kind for kind in (*kinds, *(kind for _, kind in operation.also)) if kind is not None)


def _operation(operation: Operation, by_type: Mapping[int, Schema], components: Mapping[str, Any]) -> Schema:
    found: Schema = {"operationId": operation.id, "tags": [operation.tag], "summary": operation.summary}
    role = f"Role: `{operation.role}`." if operation.role else "No key is needed."
    found["description"] = f"{operation.description}\n\n{role}".strip()
    found["security"] = [{"key": []}] if operation.role else []
    parameters = [
        *_parameters("path", operation.path_type, by_type, components),
        *_parameters("query", operation.query, by_type, components),
        *([_IDEMPOTENCY_KEY] if operation.idempotent else []),
    ]
    if parameters:
        found["parameters"] = parameters
    if operation.body is not None:
        content: Schema = {media: {"schema": by_type[id(operation.body)]} for media in operation.reads}
        content[JSON]["example"] = operation.example
        found["requestBody"] = {"required": True, "content": content}
    found["responses"] = _responses(operation, by_type)
    return found


def _without_bodies(described: Schema) -> Schema:
    """HEAD, where this is GET."""
    responses = {status: {"description": one["description"]} for status, one in described["responses"].items()}
    return {**described, "operationId": f"{described['operationId']}_head", "responses": responses}


def _parameters(
    where: str, kind: type[msgspec.Struct] | None, by_type: Mapping[int, Schema], components: Mapping[str, Any]
) -> list[Schema]:
    """One for each field of the struct."""
    if kind is None:
        return []
    schema = components[by_type[id(kind)]["$ref"].rsplit("/", 1)[1]]
    required = schema.get("required", ())
    return [
        {"name": name, "in": where, "required": name in required, "schema": _without_null(of_field)}
        for name, of_field in schema["properties"].items()
    ]


def _without_null(schema: Schema) -> Schema:
    """A parameter that isn't given isn't there: null is no value of it."""
    alternatives = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    rest = {
        name: value for name, value in schema.items() if name != "anyOf" and not (name == "default" and value is None)
    }
    if len(alternatives) == 1:
        return {**alternatives[0], **rest}
    return {**rest, "anyOf": alternatives} if alternatives else rest


def _responses(operation: Operation, by_type: Mapping[int, Schema]) -> Schema:
    schema = by_type[id(operation.answer)] if operation.answer is not None else {}
    content = {media: {"schema": schema} if media == JSON else {} for media in operation.media}
    good: Schema = {"description": operation.summary, "content": content}
    links = {
        f"{link.to}_by_{link.parameter}": {
            "operationId": link.to,
            "parameters": {link.parameter: f"$response.body#{link.pointer}"},
        }
        for link in LINKS.get(operation.id, ())
    }
    if links:
        good["links"] = links
    found = {str(operation.status): good}
    for status, kind in operation.also:
        found[str(status)] = {"description": "The same, otherwise.", "content": {JSON: {"schema": by_type[id(kind)]}}}
    media, error = (CONTENT_TYPE, Problem) if operation.error is None else (JSON, operation.error)
    for kind in _kinds(operation):
        meaning = PROBLEMS[kind]
        found.setdefault(
            str(meaning.status),
            {"description": meaning.title, "content": {media: {"schema": by_type[id(error)]}}},
        )
    return dict(sorted(found.items()))


def _kinds(operation: Operation) -> Iterator[Kind]:
    """The problems that it may end with."""
    yield from operation.fails
    yield from _ALWAYS
    if operation.role:
        yield from ("unauthorized", "forbidden")
    if operation.path_type is not None:
        yield "not-found"
    if operation.method != "GET":
        yield from ("unsupported-media-type", "too-large")
        if not operation.raw:
            yield "invalid"
    if operation.idempotent:
        yield "conflict"
