"""One request as a handler sees it: who asks, with which parameters and body, and what the process holds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from aiohttp import web

from relearn.api.http.context import Context
from relearn.schemas.http.operation import Operation, Role

P = TypeVar("P")
Q = TypeVar("Q")
B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `key_id` and `name` are None while no key has been made: anybody on this machine may do anything."""

    role: Role
    key_id: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Call(Generic[P, Q, B]):
    """A request that was let in: `path`, `query` and `body` are of the types that the operation names, else None."""

    request: web.Request
    operation: Operation
    context: Context
    caller: Caller
    request_id: str
    path: P
    query: Q
    body: B


#: Returns the answer as the operation's type, or a whole response.
Handler: TypeAlias = Callable[[Any], Awaitable[Any]]
#: By the operation's id.
Handlers: TypeAlias = Mapping[str, Handler]
