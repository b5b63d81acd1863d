"""The `gaps` table on a real Postgres."""

from __future__ import annotations

from relearn.agents.stores.gaps import Gap, add_gaps
from relearn.schemas.settings import Settings
from tests.support.data.stored import tables


async def test_a_gap_is_counted_once_and_grows_with_what_is_deleted_behind_the_same_position(
    settings: Settings,
) -> None:
    """A worker that commits nothing starts at the same position again, and finds more deleted."""
    async with tables(settings) as pool:

        async def after(position: int, lost: int) -> tuple[int, int, int]:
            await add_gaps(pool, [Gap("score", "t", "id", 1, "deleted", position, lost)])
            return tuple(await pool.fetchrow("SELECT position, lost, times FROM gaps"))

        assert await after(0, 300) == (0, 300, 1)
        assert await after(0, 300) == (0, 300, 1)
        assert await after(0, 500) == (0, 500, 1)
        assert await after(0, 898) == (0, 898, 1)
        assert await after(1000, 2) == (1000, 900, 2)
        assert await after(1000, 2) == (1000, 900, 2)
