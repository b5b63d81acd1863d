"""Errors → problems (RFC 9457): Relearn's errors by their class, those of the HTTP library by their status.

Any other exception is an internal error: logged with its traceback, answered with the request's id only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
from aiohttp import web

from relearn.schemas.errors import (
    BadIdentity,
    BadMessage,
    BadRow,
    Refused,
    RejectedMessage,
    RelearnError,
    SetupError,
    TooLarge,
    Unavailable,
)
from relearn.schemas.http.inference import InferenceError
from relearn.schemas.http.operation import NO_NUL, PLACE
from relearn.schemas.http.problems import CONTENT_TYPE, PROBLEMS, FieldFault, Kind, problem
from relearn.schemas.text import MAX_TEXT_BYTES, text_fault

#: When to retry after a server was unavailable.
RETRY_AFTER_S = 1
_AT = re.compile(r"^(?P<detail>.*?)(?: - at `(?P<where>[^`]*)`)?$", re.DOTALL)
_PATTERNS = {
    PLACE: "the id of a prediction, such as `2-10481-0` (the field `prediction`, not the record's own `id`)",
    NO_NUL: "text without the character NUL",
}
RETRY = {"Retry-After": str(RETRY_AFTER_S)}
_BY_CLASS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Kind], ...] = (
    ((Unavailable, SetupError), "unavailable"),
    (TooLarge, "too-large"),
    (BadIdentity, "malformed"),
    ((BadMessage, BadRow, RejectedMessage), "invalid"),
    (Refused, "conflict"),
)
_BY_STATUS: dict[int, Kind] = {meaning.status: kind for kind, meaning in PROBLEMS.items()}


@dataclass(slots=True)
class ProblemError(Exception):
    """Raised to answer a request with a problem.

    `faults` name the fields. `taken`: for an incomplete write, the id of each item that was written, None for others.
    """

    kind: Kind
    detail: str
    faults: list[FieldFault] = field(default_factory=list)
    headers: Mapping[str, str] = field(default_factory=dict)
    taken: list[str | None] | None = None


def to_problem_error(exc: BaseException) -> ProblemError:
    """The error that a request is answered with after `exc`."""
    if isinstance(exc, ProblemError):
        return exc
    if isinstance(exc, web.HTTPException):
        return _from_library(exc)
    kind: Kind = next((kind for classes, kind in _BY_CLASS if isinstance(exc, classes)), "internal")
    if kind == "internal":
        return ProblemError(kind, "This is a fault of the server; its log has details under this request's id.")
    return ProblemError(kind, str(exc), headers=RETRY if kind == "unavailable" else {})


def invalid_value(exc: msgspec.ValidationError, kind: Kind = "invalid") -> ProblemError:
    """The error for a value of the wrong type, with the field that msgspec names."""
    return ProblemError(kind, _in_words(exc), [field_fault(exc)])


def invalid_fields(faults: Sequence[FieldFault]) -> ProblemError:
    """The error for at least one fault: the detail names the first, `faults` holds the first twenty."""
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return ProblemError("invalid", f"{faults[0].field}: {faults[0].detail}{more}", list(faults[:20]))


def text_faults(name: str, column: Iterable[str | None], limit_bytes: int = MAX_TEXT_BYTES) -> list[FieldFault]:
    """The faults of a column of texts; its items are named `name[0]`, `name[1]`, …"""
    faults = ((i, text_fault(text, limit_bytes)) for i, text in enumerate(column))
    return [FieldFault(f"{name}[{i}]", fault) for i, fault in faults if fault]


def incomplete_write(fault: RelearnError, taken: Sequence[str | None]) -> ProblemError:
    """The error for a write that may be partial. `taken`: the id of each item known to be written, None for others."""
    written = sum(one is not None for one in taken)
    if isinstance(fault, RejectedMessage) and not written:
        return to_problem_error(fault)
    if not written:
        return ProblemError("unavailable", f"{fault}; nothing is known to be written", headers=RETRY)
    detail = f"{fault}; {written:,} of {len(taken):,} are written, see `taken` for their ids; the others are unknown"
    return ProblemError("unavailable", detail, headers=RETRY, taken=list(taken))


def field_fault(exc: msgspec.ValidationError) -> FieldFault:
    """Field and detail: `Expected int, got str - at $.limit` concerns the field `limit`."""
    text = _in_words(exc)
    found = _AT.match(text)
    detail, where = (found["detail"], found["where"]) if found else (text, None)
    return FieldFault((where or "$").removeprefix("$").removeprefix("."), detail)


def _in_words(exc: msgspec.ValidationError) -> str:
    """msgspec's message, with words in place of our patterns."""
    text = str(exc)
    for pattern, words in _PATTERNS.items():
        text = text.replace(f"`str` matching regex {pattern!r}", words)
    return text


def problem_response(error: ProblemError, request_id: str) -> web.Response:
    """The error as a response."""
    body = problem(error.kind, error.detail, request_id, error.faults, error.taken)
    return web.Response(
        body=msgspec.json.encode(body), status=body.status, content_type=CONTENT_TYPE, headers=error.headers
    )


def inference_error(error: ProblemError) -> web.Response:
    """The error in the form of the Open Inference Protocol."""
    body = msgspec.json.encode(InferenceError(error.detail))
    status = PROBLEMS[error.kind].status
    return web.Response(body=body, status=status, content_type="application/json", headers=error.headers)


def _from_library(exc: web.HTTPException) -> ProblemError:
    kind = _BY_STATUS.get(exc.status, "malformed")
    allow = exc.headers.get("Allow")
    match kind:
        case "not-found":
            return ProblemError(kind, "There is nothing at this path; /openapi.json lists all paths.")
        case "method-not-allowed":
            return ProblemError(kind, f"Allowed: {allow}.", headers={"Allow": allow} if allow else {})
        case _:
            return ProblemError(kind, exc.text or exc.reason)
