"""Budgets of one process, per client and in all: memory of the requests in work, and streams.

A client is an API key, or an address while there are no keys. No client gets the whole of a budget, and reaching one is
a problem at once: requests are not queued.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from relearn.api.http.problems import RETRY, ProblemError

T = TypeVar("T")

#: Maximum number of JSON values in a body: 10,000 records of 100 features.
MAX_VALUES = 1_000_000
#: Memory of a decoded JSON value: a number, its place in a list, and its share of the list.
VALUE_BYTES = 48
#: Memory of a byte of JSON: the byte, and a copy where it is part of a text.
TEXT_FACTOR = 2
#: A larger body is decoded in a thread, one at a time, so that other requests run meanwhile.
INLINE_BYTES = 256 * 1024


class Lease:
    """Memory that one request holds. `client` names its share."""

    def __init__(self, budget: MemoryBudget, client: str) -> None:
        self._budget = budget
        self._client = client
        self._values = 0
        self.held_bytes = 0

    def grow(self, size_bytes: int) -> None:
        """Hold so much more.

        Raises:
            ProblemError: the request alone, the client's requests, or all requests need more than there is.
        """
        self._budget.take(self._client, size_bytes, alone_bytes=self.held_bytes + size_bytes)
        self.held_bytes += size_bytes

    def add_json(self, piece: bytes) -> None:
        """Hold what a piece of a JSON body needs once it is decoded, without decoding it.

        Raises:
            ProblemError: as `grow`, and if the body has more than MAX_VALUES values.
        """
        values = piece.count(b",") + piece.count(b"[") + piece.count(b"{")
        self._values += values
        if self._values > MAX_VALUES:
            raise ProblemError("too-large", f"The body has more than {MAX_VALUES:,} values; send it in parts.")
        self.grow(TEXT_FACTOR * len(piece) + VALUE_BYTES * values)

    async def run(self, work: Callable[[], T]) -> T:
        """`work()`, in a thread if the request is large, one at a time."""
        if self.held_bytes < INLINE_BYTES:
            return work()
        async with self._budget.turn:
            return await asyncio.to_thread(work)

    def close(self) -> None:
        """Give everything back."""
        self._budget.give_back(self._client, self.held_bytes)
        self.held_bytes = 0


class MemoryBudget:
    """Memory of all requests in work. One client gets at most half of it."""

    def __init__(self, max_body_bytes: int) -> None:
        self.client_bytes = (1 + TEXT_FACTOR) * max_body_bytes + VALUE_BYTES * MAX_VALUES
        self.limit_bytes = 2 * self.client_bytes
        self.held_bytes = 0
        self.turn = asyncio.Lock()
        self._by_client: Counter[str] = Counter()

    @contextmanager
    def lease(self, client: str) -> Iterator[Lease]:
        """A lease that is given back at the end of the block."""
        lease = Lease(self, client)
        try:
            yield lease
        finally:
            lease.close()

    def take(self, client: str, size_bytes: int, *, alone_bytes: int) -> None:
        """Count `size_bytes` for a client, whose request holds `alone_bytes` then.

        Raises:
            ProblemError: nothing was counted.
        """
        if alone_bytes > self.client_bytes:
            detail = f"The request needs more than {self.client_bytes:,} bytes of memory; send it in parts."
            raise ProblemError("too-large", detail)
        if self._by_client[client] + size_bytes > self.client_bytes:
            detail = "Your requests in work hold as much memory as one client may; retry when one of them is answered."
            raise ProblemError("too-many-requests", detail, headers=RETRY)
        if self.held_bytes + size_bytes > self.limit_bytes:
            raise ProblemError("unavailable", "The requests in work hold all memory for requests.", headers=RETRY)
        self._by_client[client] += size_bytes
        self.held_bytes += size_bytes

    def give_back(self, client: str, size_bytes: int) -> None:
        """Undo `take`."""
        self.held_bytes -= size_bytes
        self._by_client[client] -= size_bytes
        if self._by_client[client] <= 0:
            del self._by_client[client]


class Seats:
    """Streams that are open: at most `limit`, and `per_client` for one client."""

    def __init__(self, limit: int, per_client: int, what: str) -> None:
        self.limit = limit
        self.per_client = per_client
        self.taken = 0
        self._what = what
        self._by_client: Counter[str] = Counter()

    @contextmanager
    def seat(self, client: str) -> Iterator[None]:
        """One seat while the block runs.

        Raises:
            ProblemError: the client has its share, or all seats are taken.
        """
        if self._by_client[client] >= self.per_client:
            detail = f"One client gets {self.per_client} {self._what} at once; end one of yours."
            raise ProblemError("too-many-requests", detail, headers={"Retry-After": "5"})
        if self.taken >= self.limit:
            detail = f"This process serves {self.limit} {self._what} already; retry."
            raise ProblemError("unavailable", detail, headers={"Retry-After": "5"})
        self.taken += 1
        self._by_client[client] += 1
        try:
            yield
        finally:
            self.taken -= 1
            self._by_client[client] -= 1
            if not self._by_client[client]:
                del self._by_client[client]
