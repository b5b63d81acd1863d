"""Reading a request: path, query and body become the operation's types, or a problem names what is wrong."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import cache
from typing import Any

import msgspec
from aiohttp import web

from relearn.api.http import limits
from relearn.api.http.problems import ProblemError, field_fault, invalid_value
from relearn.api.http.unpacking import coding_of, too_large, unpack
from relearn.schemas.http.operation import Operation
from relearn.schemas.http.problems import FieldFault

#: The decompressed body, once it has been read.
BODY: web.RequestKey[bytes] = web.RequestKey("body", bytes)


def read_path(request: web.Request, operation: Operation) -> Any:
    """The variables of the path; None if it has none."""
    if operation.path_type is None:
        return None
    try:
        return msgspec.convert(dict(request.match_info), operation.path_type, strict=False)
    except msgspec.ValidationError as exc:
        raise invalid_value(exc, "malformed") from exc


def read_query(request: web.Request, operation: Operation) -> Any:
    """The query parameters; None if the operation takes none. Unknown parameters are an error."""
    known = _fields(operation.query)
    given = Counter(name for name, _ in request.query.items()) if request.query_string else {}
    unknown_parameter = f"no such parameter; there are: {', '.join(known) or 'none'}"
    faults = [
        FieldFault(name, "is given more than once" if name in known else unknown_parameter)
        for name, times in given.items()
        if times > 1 or name not in known
    ]
    if faults:
        raise _malformed(faults)
    if operation.query is None:
        return None
    try:
        found = msgspec.convert(dict(request.query), operation.query, strict=False)
    except msgspec.ValidationError as exc:
        raise _malformed([field_fault(exc)]) from exc
    # msgspec converts the text `null` to None unless the type is text: the filter would be silently ignored.
    nulls = [FieldFault(name, "null is no value") for name in given if getattr(found, name) is None]
    if nulls:
        raise _malformed(nulls)
    return found


async def read_body(request: web.Request, operation: Operation) -> Any:
    """The JSON body; None if the operation takes none or reads the body itself. Always checks the media type."""
    if operation.body is None:
        return None
    if request.content_type not in operation.reads:
        raise ProblemError("unsupported-media-type", f"{request.content_type} isn't {' or '.join(operation.reads)}")
    if operation.raw:
        return None
    data = await read_bytes(request)
    try:
        return _decoder(operation.body).decode(data)
    except msgspec.ValidationError as exc:
        raise invalid_value(exc) from exc
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise ProblemError("malformed", f"The body isn't JSON: {str(exc) or 'nested too deep'}") from exc


async def read_bytes(request: web.Request) -> bytes:
    """The whole body, decompressed. The application's `client_max_size` limits the decompressed size too.

    Raises:
        ProblemError: unsupported coding, body too large, undecompressible, incomplete, or slower than BODY_TIMEOUT_S.
    """
    if BODY not in request:
        coding = coding_of(request.headers.getall("Content-Encoding", ()))
        request[BODY] = await unpack(await _receive(request), coding, request.client_max_size)
    return request[BODY]


async def _receive(request: web.Request) -> bytes:
    """The body as sent."""
    try:
        async with asyncio.timeout(limits.BODY_TIMEOUT_S):
            return await request.read()
    except TimeoutError as exc:
        raise ProblemError("malformed", f"The body didn't arrive within {limits.BODY_TIMEOUT_S:g} s") from exc
    except web.HTTPRequestEntityTooLarge as exc:
        raise too_large(request.client_max_size) from exc
    except web.RequestPayloadError as exc:
        raise ProblemError("malformed", "The body is incomplete, or not framed as HTTP requires") from exc


def _malformed(faults: list[FieldFault]) -> ProblemError:
    return ProblemError("malformed", f"{faults[0].field}: {faults[0].detail}", faults)


@cache
def _decoder(body: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(body)


@cache
def _fields(query: type[msgspec.Struct] | None) -> tuple[str, ...]:
    return () if query is None else tuple(query.__struct_encode_fields__)
