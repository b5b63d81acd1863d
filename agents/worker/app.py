"""One Faust app per role: its own consumer group, no web server, no tables, no topic created by accident."""

from __future__ import annotations

from typing import Any, Literal, cast

import faust
from faust.tables import TableManager
from yarl import URL

from relearn.agents.kafka.config import GROUP_REQUEST_TIMEOUT_S, ssl_context
from relearn.agents.quarantine.guard import Quarantine
from relearn.agents.worker.consumer import ChunkTransport
from relearn.schemas.settings import Settings

Role = Literal["score", "store", "feedback", "retrain", "results"]

COMMIT_INTERVAL_S = 0.5
#: The group drops a silent member after this time. It is shorter than
#: GROUP_REQUEST_TIMEOUT_S: Faust requires that. A static member that is back earlier keeps its partitions.
SESSION_TIMEOUT_S = 8.0
#: Topics that are created again and partitions that are added are seen after this time. Faust's default is 5 min.
METADATA_MAX_AGE_MS = 5000


def make_app(settings: Settings, role: Role, worker_id: str | None) -> faust.App:
    """The Faust app of one worker.

    With a `worker_id` that stays the same from start to start the worker is a static member of its group: killed and
    restarted within the session timeout it keeps its partitions, and no other worker is rebalanced.
    """
    brokers = [URL(f"kafka://{broker}") for broker in settings.kafka_brokers]
    datadir = settings.data_dir / "workers" / (worker_id or role)
    datadir.mkdir(parents=True, exist_ok=True)
    app = faust.App(
        f"{settings.namespace}.{role}",
        broker=brokers,
        broker_client_id=worker_id or role,
        broker_credentials=_credentials(settings),
        broker_session_timeout=SESSION_TIMEOUT_S,
        broker_heartbeat_interval=2.0,
        broker_request_timeout=GROUP_REQUEST_TIMEOUT_S,
        broker_commit_interval=COMMIT_INTERVAL_S,
        broker_max_poll_records=8000,
        consumer_metadata_max_age_ms=METADATA_MAX_AGE_MS,
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=f"{settings.namespace}.{worker_id}" if worker_id else None,
        datadir=datadir,
        store="memory://",
        TableManager=_NoTables,
        stream_buffer_maxsize=2,  # chunks, each of CHUNK_BYTES at most
        stream_wait_empty=True,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        web_tables_enabled=False,
        web_router_enabled=False,
    )
    transport = ChunkTransport(brokers, app)
    transport.isolation_level = settings.kafka_isolation
    app.transport = transport
    cast(Any, app).quarantine = Quarantine(settings, role, datadir)
    return app


class _NoTables(TableManager):
    """Faust's table manager without its pause of one second at start, which waits for tables. No role has any.

    Nothing is recovered, and the app's tasks don't wait for that. Faust's would start with the first assignment: a
    worker that gets none (its group is forbidden to it) would send no heartbeat and no notice, and read no models.
    """

    async def on_start(self) -> None:
        if not self.should_stop:
            await self._update_channels()
            await self.recovery.start()

    async def wait_until_recovery_completed(self) -> bool:
        return self.app.should_stop


def _credentials(settings: Settings) -> Any:
    context = ssl_context(settings)
    if settings.kafka_security_protocol.startswith("SASL"):
        return faust.SASLCredentials(
            username=settings.kafka_sasl_username,
            password=settings.kafka_sasl_password,
            mechanism=settings.kafka_sasl_mechanism,
            ssl_context=context,
        )
    return faust.SSLCredentials(context) if context is not None else None
