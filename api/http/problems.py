"""What goes wrong, as a problem: our own errors by their class, and what the HTTP library raises by its status.

Anything else is a fault of ours: logged with its trace, answered with nothing but the request's id.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
from aiohttp import web

from relearn.schemas.errors import BadIdentity, BadMessage, BadRow, Refused, RelearnError, SetupError, Unavailable
from relearn.schemas.http.inference import InferenceError
from relearn.schemas.http.problems import CONTENT_TYPE, PROBLEMS, FieldFault, Kind, problem

#: How long whoever met a server that is away should wait.
RETRY_AFTER_S = 1
_AT = re.compile(r"^(?P<detail>.*?)(?: - at `(?P<where>[^`]*)`)?$", re.DOTALL)
RETRY = {"Retry-After": str(RETRY_AFTER_S)}
_BY_CLASS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Kind], ...] = (
    ((Unavailable, SetupError), "unavailable"),
    (BadIdentity, "malformed"),
    ((BadMessage, BadRow), "invalid"),
    (Refused, "conflict"),
)
_BY_STATUS: dict[int, Kind] = {meaning.status: kind for kind, meaning in PROBLEMS.items()}


@dataclass(slots=True)
class Failure(Exception):
    """A request that can't be answered as it wants, and why.

    `faults` name the fields. `taken`: of a write that broke off, the id of each item that was written, else None.
    """

    kind: Kind
    detail: str
    faults: list[FieldFault] = field(default_factory=list)
    headers: Mapping[str, str] = field(default_factory=dict)
    taken: list[str | None] | None = None


def failure_of(exc: BaseException) -> Failure:
    """The failure that `exc` is to whoever asked."""
    if isinstance(exc, Failure):
        return exc
    if isinstance(exc, web.HTTPException):
        return _of_library(exc)
    kind: Kind = next((kind for classes, kind in _BY_CLASS if isinstance(exc, classes)), "internal")
    if kind == "internal":
        return Failure(kind, "This is a fault of the server; its log says more under this request's id.")
    return Failure(kind, str(exc), headers=RETRY if kind == "unavailable" else {})


def invalid(exc: msgspec.ValidationError, kind: Kind = "invalid") -> Failure:
    """The failure of a value that isn't of the type that it should be, with the field that msgspec names."""
    return Failure(kind, str(exc), [fault_of(exc)])


def wrong_fields(faults: Sequence[FieldFault]) -> Failure:
    """The failure of a request with these faults, one at least: it names the first, and holds the first twenty."""
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return Failure("invalid", f"{faults[0].field}: {faults[0].detail}{more}", list(faults[:20]))


def broken_off(fault: RelearnError, taken: Sequence[str | None]) -> Failure:
    """The failure of a write of which only a part is known to be there: `taken` has the ids of that, else None."""
    there = sum(one is not None for one in taken)
    if not there:
        return Failure("unavailable", f"{fault}; nothing is known to be written", headers=RETRY)
    said = f"{fault}; {there:,} of {len(taken):,} are written, their ids stand in `taken`; of the others it isn't known"
    return Failure("unavailable", said, headers=RETRY, taken=list(taken))


def fault_of(exc: msgspec.ValidationError) -> FieldFault:
    """Where, and what: `Expected int, got str - at $.limit` is about the field `limit`."""
    found = _AT.match(str(exc))
    detail, where = (found["detail"], found["where"]) if found else (str(exc), None)
    return FieldFault((where or "$").removeprefix("$").removeprefix("."), detail)


def problem_response(failure: Failure, request_id: str) -> web.Response:
    """The failure as an answer."""
    body = problem(failure.kind, failure.detail, request_id, failure.faults, failure.taken)
    return web.Response(
        body=msgspec.json.encode(body), status=body.status, content_type=CONTENT_TYPE, headers=failure.headers
    )


def inference_error(failure: Failure) -> web.Response:
    """The failure in the form of the Open Inference Protocol."""
    body = msgspec.json.encode(InferenceError(failure.detail))
    status = PROBLEMS[failure.kind].status
    return web.Response(body=body, status=status, content_type="application/json", headers=failure.headers)


def _of_library(exc: web.HTTPException) -> Failure:
    kind = _BY_STATUS.get(exc.status, "malformed")
    allow = exc.headers.get("Allow")
    match kind:
        case "not-found":
            return Failure(kind, "There is nothing at this path; /openapi.json has those that there are.")
        case "method-not-allowed":
            return Failure(kind, f"Allowed: {allow}.", headers={"Allow": allow} if allow else {})
        case _:
            return Failure(kind, exc.text or exc.reason)
