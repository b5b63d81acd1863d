"""All connections of one process: how many there may be, per address and in all, and which one is closed for another.

A connection is `waiting` (for the head of its first or next request, which may have begun), `busy` (a request is read,
answered or discarded), or `idle` (kept alive after an answer). When there are too many, the one that has waited longest
is closed, else the one that was idle longest. Busy connections are left alone: their bodies and streams have limits of
their own. Beyond the limit a few connections are admitted as `spare`: they may only ask for probes.
"""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

#: Descriptors for the servers' connections, files and the process itself.
RESERVED_DESCRIPTORS = 256
MAX_CONNECTIONS = 2_048
#: Connections beyond the limit that may ask for probes.
SPARE = 64
#: One address gets at most this share.
ADDRESS_SHARE = 0.5
#: A connection whose request head isn't complete after this time is closed.
HEAD_TIMEOUT_S = 10.0
#: A response of which the client reads less than WRITE_PROGRESS_BYTES in this time is cut.
WRITE_TIMEOUT_S = 30.0
WRITE_PROGRESS_BYTES = 64 * 1024
_SWEEP_EVERY_S = 1.0


class Held(Protocol):
    """A connection as the registry sees it."""

    address: str

    @property
    def unsent_bytes(self) -> int:
        """Bytes of a response that the client hasn't read; 0 where another limit applies."""
        ...

    def expire(self) -> None:
        """Close it: its head didn't arrive."""
        ...

    def evict(self) -> None:
        """Close it for another one."""
        ...

    def cut(self) -> None:
        """Close it at once; its client doesn't read."""
        ...


@dataclass(slots=True)
class _Address:
    count: int = 0
    #: In the order of time, longest first.
    waiting: dict[Held, None] = field(default_factory=dict)
    idle: dict[Held, None] = field(default_factory=dict)


class Connections:
    """The connections of one process. Times are those of `clock`."""

    def __init__(self, limit: int, *, spare: int = SPARE, clock: Callable[[], float] | None = None) -> None:
        self.limit = limit
        self.spare = spare
        self.per_address = max(1, int(limit * ADDRESS_SHARE))
        self._clock = clock or asyncio.get_running_loop().time
        self._addresses: dict[str, _Address] = {}
        self._waiting: dict[Held, float] = {}
        self._idle: dict[Held, None] = {}
        self._all: set[Held] = set()
        self._unsent: dict[Held, tuple[int, float]] = {}

    def __len__(self) -> int:
        return len(self._all)

    def add(self, one: Held) -> bool | None:
        """Take a new connection: True; False: as a spare one; None: not at all."""
        own = self._addresses.setdefault(one.address, _Address())
        fits = room = True
        if own.count >= self.per_address:
            fits = self._evict(own.waiting) or self._evict(own.idle)
            room = own.count < self.per_address + self.spare // 2
        elif len(self._all) >= self.limit:
            fits = self._evict(self._waiting) or self._evict(self._idle)
            room = len(self._all) < self.limit + self.spare
        if not fits and not room:
            if not own.count:
                del self._addresses[one.address]
            return None
        self._all.add(one)
        own = self._addresses.setdefault(one.address, _Address())
        own.count += 1
        self.wait(one)
        return fits

    def remove(self, one: Held) -> None:
        """Forget a connection that is closed."""
        if one not in self._all:
            return
        self.busy(one)
        self._all.discard(one)
        self._unsent.pop(one, None)
        own = self._addresses[one.address]
        own.count -= 1
        if not own.count:
            del self._addresses[one.address]

    def wait(self, one: Held) -> None:
        """The connection waits for a head, from now on."""
        if one in self._all:
            self.busy(one)
            self._waiting[one] = self._clock()
            self._addresses[one.address].waiting[one] = None

    def busy(self, one: Held) -> None:
        """A request's head is complete."""
        if one in self._all:
            own = self._addresses[one.address]
            self._waiting.pop(one, None)
            own.waiting.pop(one, None)
            self._idle.pop(one, None)
            own.idle.pop(one, None)

    def idle(self, one: Held) -> None:
        """A request is answered, and the connection is kept alive."""
        if one in self._all:
            self.busy(one)
            self._idle[one] = None
            self._addresses[one.address].idle[one] = None

    async def watch(self) -> None:
        """Sweep until cancelled."""
        while True:
            await asyncio.sleep(_SWEEP_EVERY_S)
            self.sweep()

    def sweep(self) -> None:
        """Close connections whose heads are late, or whose clients don't read."""
        now_s = self._clock()
        late = [one for one, since_s in self._waiting.items() if now_s - since_s >= HEAD_TIMEOUT_S]
        for one in late:
            self.busy(one)
            one.expire()
        for one in list(self._all):
            unsent_bytes = one.unsent_bytes
            before_bytes, since_s = self._unsent.get(one, (unsent_bytes, now_s))
            if not unsent_bytes:
                self._unsent.pop(one, None)
            elif unsent_bytes <= before_bytes - WRITE_PROGRESS_BYTES or one not in self._unsent:
                self._unsent[one] = unsent_bytes, now_s
            elif now_s - since_s >= WRITE_TIMEOUT_S:
                one.cut()

    def _evict(self, longest_first: dict[Held, float] | dict[Held, None]) -> bool:
        victim = next(iter(longest_first), None)
        if victim is None:
            return False
        victim.evict()
        self.remove(victim)
        return True


def connection_limit() -> int:
    """The number of connections that this process has descriptors for, at most MAX_CONNECTIONS.

    Raises the process's soft limit on open files as far as the hard limit allows and MAX_CONNECTIONS needs.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + SPARE + RESERVED_DESCRIPTORS
    unlimited = resource.RLIM_INFINITY
    if soft != unlimited and soft < wanted:
        soft = wanted if hard == unlimited else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    left = MAX_CONNECTIONS if soft == unlimited else soft - SPARE - RESERVED_DESCRIPTORS
    return max(16, min(MAX_CONNECTIONS, left))
