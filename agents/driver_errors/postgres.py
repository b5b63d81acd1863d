"""Postgres' errors, by SQLSTATE or its class of two characters, and asyncpg's own errors."""

from __future__ import annotations

import asyncpg
from asyncpg import exceptions

from relearn.agents.driver_errors.verdict import Verdict

_RETRYABLE = """
    08 40 53 57 58 72
    25001 25006 25P02 25P03 25P04 26000 55006 55P03 XX000
"""
_SETUP = """
    28 3D 3F F0
    42P01 42501 42703 42704 42883 53400 55000 55P02 57P04 58P01 58P02 58P03 XX001 XX002
"""
_REFUSED = "22 23 44 54 P0"
_OURS = "03 09 0A 0B 0F 0L 0P 0Z 10 20 21 24 25 26 27 2B 2D 2F 34 38 39 3B 42 55 HV XX"

#: SQLSTATEs, and classes of SQLSTATEs. A whole SQLSTATE goes before its class.
STATES: dict[str, Verdict] = {
    state: verdict
    for verdict, states in (
        (Verdict.RETRYABLE, _RETRYABLE),
        (Verdict.SETUP, _SETUP),
        (Verdict.REFUSED, _REFUSED),
        (Verdict.OURS, _OURS),
    )
    for state in states.split()
}

#: Errors that asyncpg raises by itself, and those of its errors whose class is more exact than their SQLSTATE.
CLASSES: dict[type[BaseException], Verdict] = {
    exceptions.InvalidCachedStatementError: Verdict.RETRYABLE,
    exceptions.OutdatedSchemaCacheError: Verdict.RETRYABLE,
    # The connection broke in the middle of an answer. asyncpg lost track of its state, and the pool drops it.
    exceptions.InternalClientError: Verdict.RETRYABLE,
    exceptions.ProtocolError: Verdict.RETRYABLE,
    # At a failover no server accepts writes for a while.
    exceptions.TargetServerAttributeNotMatched: Verdict.RETRYABLE,
    # A closed connection or pool.
    exceptions.InterfaceError: Verdict.RETRYABLE,
    exceptions.ClientConfigurationError: Verdict.SETUP,
    exceptions.UnsupportedServerFeatureError: Verdict.SETUP,
    # A value that can't be encoded.
    exceptions._base.DataError: Verdict.REFUSED,
    exceptions.UnsupportedClientFeatureError: Verdict.OURS,
    # Without a SQLSTATE: nothing is known but that Postgres failed.
    exceptions.PostgresError: Verdict.RETRYABLE,
}

#: Everything that asyncpg and its connection raise.
ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)

#: States that mean that the tables are missing, or are not those of this version.
NO_TABLES = frozenset({"42P01", "42703", "42883", "3F000"})
#: Postgres, or its disk, takes no writes for the moment.
READ_ONLY = "25006"


def state_verdict(state: str) -> Verdict:
    """The meaning of a SQLSTATE. One of an unknown class is ours."""
    return STATES.get(state) or STATES.get(state[:2]) or Verdict.OURS


def verdict_of(error: BaseException) -> Verdict:
    """The meaning of an error that asyncpg raises, or of an OSError or TimeoutError of its connection."""
    state = getattr(error, "sqlstate", None)
    if isinstance(error, asyncpg.PostgresError) and state and type(error) not in CLASSES:
        return state_verdict(state)
    if isinstance(error, (OSError, TimeoutError)):
        return Verdict.RETRYABLE
    return next((CLASSES[base] for base in type(error).__mro__ if base in CLASSES), Verdict.OURS)
