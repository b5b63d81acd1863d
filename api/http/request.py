"""Reading a request: path, query and body become the operation's types, or a problem names what is wrong."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from relearn.api.http import limits
from relearn.api.http.budget import Lease
from relearn.api.http.problems import ProblemError, field_fault, invalid_value
from relearn.api.http.unpacking import coding_of, too_large, unpack
from relearn.schemas.http.operation import Operation
from relearn.schemas.http.problems import FieldFault

T = TypeVar("T")

#: The decompressed body, once it has been read.
BODY: web.RequestKey[bytes | bytearray] = web.RequestKey("body")
#: The memory that the request holds.
LEASE: web.RequestKey[Lease] = web.RequestKey("lease", Lease)


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
    return await read_json(request, decoder_of(operation.body))


async def read_json(request: web.Request, decoder: msgspec.json.Decoder[T]) -> T:
    """The body, decoded; a large one in a thread.

    Raises:
        ProblemError: as `read_bytes`, not JSON, or of another type.
    """
    data = await read_bytes(request)
    try:
        return await request[LEASE].run(lambda: decoder.decode(data))
    except msgspec.ValidationError as exc:
        raise invalid_value(exc) from exc
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise ProblemError("malformed", f"The body isn't JSON: {str(exc) or 'nested too deep'}") from exc


async def read_bytes(request: web.Request, *, binary: bool = False) -> bytes | bytearray:
    """The whole body, decompressed. The application's `client_max_size` limits the decompressed size too.

    The request's lease holds the memory that the body needs, decoded if it isn't `binary`.

    Raises:
        ProblemError: unsupported coding, too large, too many values, undecompressible, incomplete, or slow.
    """
    if BODY not in request:
        lease = request[LEASE]
        add = (lambda piece: lease.grow(len(piece))) if binary else lease.add_json
        coding = coding_of(request.headers.getall("Content-Encoding", ()))
        if coding == "identity":
            request[BODY] = await _receive(request, add)
        else:
            packed = await _receive(request, lambda piece: lease.grow(len(piece)))
            request[BODY] = await unpack(packed, coding, request.client_max_size, add)
    return request[BODY]


async def _receive(request: web.Request, on_piece: Callable[[bytes], None]) -> bytearray:
    """The body as sent. `on_piece` gets each piece as it arrives, and may raise."""
    limit_bytes, body = request.client_max_size, bytearray()
    if (request.content_length or 0) > limit_bytes:
        raise too_large(limit_bytes)
    try:
        async with asyncio.timeout(limits.BODY_TIMEOUT_S) as whole:
            while True:
                async with asyncio.timeout(limits.BODY_STALL_S):
                    piece = await request.content.readany()
                if not piece:
                    return body
                body += piece
                if len(body) > limit_bytes:
                    raise too_large(limit_bytes)
                on_piece(piece)
    except TimeoutError as exc:
        within = f"within {limits.BODY_TIMEOUT_S:g} s" if whole.expired() else f"for {limits.BODY_STALL_S:g} s"
        arrived = "didn't arrive" if whole.expired() else "sent nothing"
        raise ProblemError("request-timeout", f"The body {arrived} {within}") from exc
    except web.RequestPayloadError as exc:
        raise ProblemError("malformed", "The body is incomplete, or not framed as HTTP requires") from exc


def _malformed(faults: list[FieldFault]) -> ProblemError:
    return ProblemError("malformed", f"{faults[0].field}: {faults[0].detail}", faults)


@cache
def decoder_of(body: Any) -> msgspec.json.Decoder[Any]:
    """A decoder of this type."""
    return msgspec.json.Decoder(body)


@cache
def _fields(query: type[msgspec.Struct] | None) -> tuple[str, ...]:
    return () if query is None else tuple(query.__struct_encode_fields__)
