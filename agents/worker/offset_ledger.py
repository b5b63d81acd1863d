"""The processed position of each partition, which is what may be committed. Plain bookkeeping, no I/O.

Faust's own ledger of acknowledged offsets is not used: it counts a message that was skipped at a rebalance as
processed, and it expects one acknowledgement per offset. Here a ticket represents a whole chunk, with several
partitions. A partition's position moves past a ticket only when that ticket and all before it are done.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

P = TypeVar("P", bound=Hashable)


@dataclass(slots=True, eq=False)
class Ticket(Generic[P]):
    """One chunk's share of the ledger: for each partition the offset after its last record."""

    epoch: int
    ends: Mapping[P, int]
    started: bool = False
    finished: bool = False


class Ledger(Generic[P]):
    """Positions by partition. `epoch` rises with each new assignment; tickets of an older epoch change nothing."""

    def __init__(self) -> None:
        self.epoch = 0
        self._open: dict[P, deque[Ticket[P]]] = defaultdict(deque)
        self._positions: dict[P, int] = {}
        self._busy: set[Ticket[P]] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    def issue(self, ends: Mapping[P, int]) -> Ticket[P]:
        """A ticket for the records up to `ends`; issue them in the order of the offsets."""
        ticket = Ticket(self.epoch, ends)
        for partition in ends:
            self._open[partition].append(ticket)
        return ticket

    def start(self, ticket: Ticket[P]) -> None:
        """The agent has started this chunk: `wait_idle` waits for it from now on."""
        ticket.started = True
        self._busy.add(ticket)
        self._idle.clear()

    def done(self, ticket: Ticket[P]) -> None:
        """Every result of its records is acknowledged."""
        ticket.finished = True
        self._release(ticket)
        if ticket.epoch != self.epoch:
            return
        for partition in ticket.ends:
            waiting = self._open[partition]
            while waiting and waiting[0].finished:
                self._positions[partition] = waiting.popleft().ends[partition]

    def abandon(self, ticket: Ticket[P]) -> None:
        """The agent gave up on the chunk; no offset at or after it is committed in this epoch."""
        self._release(ticket)

    def _release(self, ticket: Ticket[P]) -> None:
        self._busy.discard(ticket)
        if not self._busy:
            self._idle.set()

    def positions(self) -> dict[P, int]:
        """The offset to commit for each partition: the first one that isn't processed."""
        return dict(self._positions)

    def new_epoch(self) -> None:
        """Forget all positions: after a new assignment the partitions are read from their committed offsets."""
        self.epoch += 1
        self._open.clear()
        self._positions.clear()

    def forget(self, partition: P) -> None:
        """Drop its position, because its offsets begin again. Tickets issued before change nothing for it any more."""
        self._open.pop(partition, None)
        self._positions.pop(partition, None)

    async def wait_idle(self, timeout_s: float) -> bool:
        """Wait until no started ticket is unfinished; False if that took longer than `timeout_s`."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True
