"""The OpenAPI 3.1 document of the HTTP API, made from the operations and their types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from relearn import __version__
from relearn.schemas.http.inference import HEADER_LENGTH, OCTETS
from relearn.schemas.http.links import LINKS
from relearn.schemas.http.operation import JSON, REFERENCE, Operation
from relearn.schemas.http.operations import OPERATIONS, TAGS
from relearn.schemas.http.problems import CONTENT_TYPE, PROBLEMS, Kind, Problem
from relearn.schemas.http.training_metrics import JobMetrics, Reason, TrainingMetrics

Schema = dict[str, Any]

_DESCRIPTION = """
Score a Kafka stream with a linear SVM that people correct while it runs.

Every change is a message. An answer of `202` means that the broker has acknowledged the message, so that it can't be
lost; its effect follows. Lists are newest first, with opaque cursors. Errors are problems (RFC 9457) with constant
`type`s; under `/v2` they have the form of the Open Inference Protocol.
"""
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same key and body within 24 hours get the same answer without a second effect. Best effort.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}
_HEADER_LENGTH = {
    "name": HEADER_LENGTH,
    "in": "header",
    "description": "Length of the JSON in bytes, where binary tensors follow it.",
    "schema": {"type": "integer", "minimum": 0},
}
#: JSON with tensors behind it, as the Open Inference Protocol sends them.
_BINARY = {"type": "string", "format": "binary"}
_HEADERS: Schema = {
    "X-Request-Id": {
        "description": "Id of the request, as in the server's log: the request's own header, else generated.",
        "schema": {"type": "string"},
    },
    "Retry-After": {"description": "Seconds until a retry is useful.", "schema": {"type": "integer", "minimum": 1}},
}
#: Problems with this header: `conflict` while the first request with the same `Idempotency-Key` is processed.
_RETRYABLE: frozenset[Kind] = frozenset(("conflict", "too-many-requests", "unavailable"))
#: Problems of every operation.
_ALWAYS: tuple[Kind, ...] = ("malformed", "expectation-failed", "too-many-requests", "internal", "unavailable")
#: Types that fields refer to without being checked (`described_by`).
_DESCRIBED = (Reason, JobMetrics, TrainingMetrics)


def openapi(operations: Sequence[Operation] | None = None) -> Schema:
    """The document, as JSON's values; by default of the operations that are documented."""
    if operations is None:
        operations = [one for one in OPERATIONS if one.documented]
    types = [Problem, *_DESCRIBED, *(kind for operation in operations for kind in _types(operation))]
    schemas, components = _named(*msgspec.json.schema_components(types, ref_template=REFERENCE))
    by_type = {id(kind): schema for kind, schema in zip(types, schemas, strict=True)}
    paths: dict[str, Schema] = {}
    for operation in operations:
        described = _operation(operation, by_type, components)
        path = paths.setdefault(operation.path, {})
        path[operation.method.lower()] = described
        if "HEAD" in operation.methods:
            path["head"] = _without_bodies(described)
    parameters = {id(kind) for one in operations for kind in (one.path_type, one.query) if kind is not None}
    only_parameters = {by_type[kind]["$ref"].rsplit("/", 1)[1] for kind in parameters}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Relearn", "version": __version__, "description": _DESCRIPTION.strip()},
        "servers": [{"url": "/"}],
        "tags": [
            {"name": name, "description": TAGS[name]}
            for name in dict.fromkeys(operation.tag for operation in operations)
        ],
        "paths": paths,
        "components": {
            "schemas": {name: schema for name, schema in components.items() if name not in only_parameters},
            "headers": _HEADERS,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "`relearn key create`"}},
        },
    }


def _named(schemas: Any, components: Any) -> tuple[Any, Any]:
    """Schemas and components with names and references that client generators can use.

    `Page[Batch]` is named `BatchPage`; a field with a reference of its own (`described_by`) has no other type.
    """
    names = {name: f"{name[5:-1]}Page" for name in components if name.startswith("Page_")}

    def renamed(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [renamed(one) for one in value]
        if not isinstance(value, dict):
            return value
        found = {key: renamed(one) for key, one in value.items()}
        if "$ref" not in found:
            return found
        name = found["$ref"].rsplit("/", 1)[1]
        rest = {key: one for key, one in found.items() if key not in {"$ref", "type"}}
        return {"$ref": REFERENCE.format(name=names.get(name, name)), **rest}

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
        *([_HEADER_LENGTH] if OCTETS in operation.reads else []),
    ]
    if parameters:
        found["parameters"] = parameters
    if operation.body is not None:
        body = by_type[id(operation.body)]
        content: Schema = {media: {"schema": body if media == JSON else _BINARY} for media in operation.reads}
        content[JSON]["example"] = operation.example
        found["requestBody"] = {"required": True, "content": content}
    found["responses"] = _responses(operation, by_type)
    return found


def _without_bodies(described: Schema) -> Schema:
    """HEAD, where this is GET."""
    responses = {
        status: {name: one[name] for name in ("description", "headers")}
        for status, one in described["responses"].items()
    }
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
    """The schema of a parameter: a missing one isn't sent, so that null is no value of it."""
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
    good = {**_described(operation.summary), "content": content}
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
        found[str(status)] = {
            **_described("The same type, with a negative result."),
            "content": {JSON: {"schema": by_type[id(kind)]}},
        }
    media, error = (CONTENT_TYPE, Problem) if operation.error is None else (JSON, operation.error)
    for kind in _kinds(operation):
        meaning = PROBLEMS[kind]
        answer = _described(meaning.title, *(["Retry-After"] if kind in _RETRYABLE else []))
        found.setdefault(str(meaning.status), {**answer, "content": {media: {"schema": by_type[id(error)]}}})
    return dict(sorted(found.items()))


def _described(description: str, *headers: str) -> Schema:
    """A response with its headers; every response has the id of the request."""
    references = {name: {"$ref": f"#/components/headers/{name}"} for name in ("X-Request-Id", *headers)}
    return {"description": description, "headers": references}


def _kinds(operation: Operation) -> Iterator[Kind]:
    """The problems that it may answer with."""
    yield from operation.fails
    yield from _ALWAYS
    if operation.role:
        yield from ("unauthorized", "forbidden")
    if operation.path_type is not None:
        yield "not-found"
    if operation.method != "GET":
        yield from ("unsupported-media-type", "too-large", "request-timeout")
        if not operation.raw:
            yield "invalid"
    if operation.idempotent:
        yield "conflict"
