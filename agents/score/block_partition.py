"""The partition of `predictions` that a block goes to: that of its records in `ingest`.

`ingest` may have more partitions for a while: an operator added some, and `relearn migrate` has not run yet. The blocks
of these partitions go to others. A block carries the place of its records, so its rows are the same in any partition.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable

from relearn.agents.availability.notices import Notices

#: While there are too few partitions, the broker is asked for their number this often.
ASK_EVERY_S = 5.0
_CODE = "partitions"

CountPartitions = Callable[[], Awaitable[int | None]]
"""The number of partitions that `predictions` has now; None if no broker answers. Never raises."""


class BlockPartition:
    """The partitions for the blocks of one worker."""

    def __init__(self, count: CountPartitions, notices: Notices) -> None:
        self._count = count
        self._notices = notices
        self._many = 0
        #: The highest partition that `predictions` lacks.
        self._lacking: int | None = None
        self._asked_s = -math.inf

    async def of(self, partition: int) -> int:
        """The partition for records of this partition of `ingest`: the one of this number, where there is one."""
        if partition >= self._many or self._lacking is not None:
            await self._ask()
        if not self._many or partition < self._many:
            return partition
        self._lacking = max(partition, self._lacking or 0)
        text = f"ingest has a partition {partition}, and predictions has {self._many} partitions: run `relearn migrate`"
        self._notices.set(_CODE, text)
        return partition % self._many

    async def _ask(self) -> None:
        now_s = asyncio.get_running_loop().time()
        if now_s - self._asked_s < ASK_EVERY_S:
            return
        self._asked_s = now_s
        self._many = await self._count() or self._many
        if self._lacking is not None and self._lacking < self._many:
            self._lacking = None
            self._notices.clear(_CODE)
