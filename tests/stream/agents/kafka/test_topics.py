"""Topics on a real broker."""

from __future__ import annotations

import asyncio

from relearn.agents.kafka.admin import Admin
from relearn.agents.kafka.topics import admin_client, check_led, create_topics
from relearn.schemas.errors import SetupError, Unavailable
from relearn.schemas.settings import Settings
from relearn.schemas.topics import topic_name
from tests.support.servers.embedded import Servers
from tests.support.waiting import eventually_async


async def test_the_leader_is_found_again_by_a_client_that_asked_during_its_restart(
    settings: Settings, servers: Servers
) -> None:
    """It may keep a leader's epoch of that moment: `/readyz` stayed at 503 until the API was restarted."""
    topic = topic_name(settings.namespace, "ingest")

    async def is_led(admin: Admin) -> bool:
        try:
            await check_led(admin, topic)
        except (SetupError, Unavailable):
            return False
        return True

    async def ask(admin: Admin) -> None:
        while True:
            await is_led(admin)
            await asyncio.sleep(0.05)

    await create_topics(settings)
    with admin_client(settings) as admin:
        await eventually_async(lambda: is_led(admin), "the new topic has no leader")
        asking = asyncio.create_task(ask(admin))
        await asyncio.to_thread(servers.kafka.kill)
        await asyncio.to_thread(servers.kafka.start)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await eventually_async(lambda: is_led(admin), "the leader isn't found again")
