"""Postgres without writes for a while, as at a failover or with a full disk (SQLSTATE 25006)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from relearn.schemas.settings import Settings
from tests.support.data.rows import query

_SET = "DO $$ BEGIN EXECUTE format('ALTER ROLE %I SET default_transaction_read_only = on', current_user); END $$"
_RESET = "DO $$ BEGIN EXECUTE format('ALTER ROLE %I RESET default_transaction_read_only', current_user); END $$"
_DISCONNECT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid()
AND backend_type = 'client backend'
"""


@contextmanager
def read_only(settings: Settings) -> Iterator[None]:
    """Inside the block every new transaction of the settings' role is read-only; all its connections are new ones."""
    query(settings, _SET)
    query(settings, _DISCONNECT)
    try:
        yield
    finally:
        query(settings, "SELECT set_config('default_transaction_read_only', 'off', false)")
        query(settings, _RESET)
        query(settings, _DISCONNECT)
