"""One request as a handler gets it: caller, parameters, body, and the context of the process."""

from __future__ import annotations

import uuid
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
    """The caller. `key_id` and `name` are None while there are no API keys: local callers then have every role."""

    role: Role
    key_id: str | None = None
    name: str | None = None
    address: str = ""

    @property
    def client(self) -> str:
        """The client for budgets: the API key, or the address."""
        return f"address {self.address}" if self.key_id is None else f"key {self.key_id}"


@dataclass(frozen=True, slots=True)
class Call(Generic[P, Q, B]):
    """An admitted request: `path`, `query` and `body` have the operation's types, or are None.

    `write_id`: made from caller, operation, path and idempotency key, so that a repeated request has the same; None
    without a key.
    """

    request: web.Request
    operation: Operation
    context: Context
    caller: Caller
    request_id: str
    path: P
    query: Q
    body: B
    write_id: uuid.UUID | None = None


#: Returns the operation's answer type, or a whole response.
Handler: TypeAlias = Callable[[Any], Awaitable[Any]]
#: By the operation's id.
Handlers: TypeAlias = Mapping[str, Handler]
