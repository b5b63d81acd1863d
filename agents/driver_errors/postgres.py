"""Postgres' errors, by SQLSTATE or its class of two characters, and asyncpg's own errors."""

from __future__ import annotations

from typing import TypeGuard

import asyncpg
from asyncpg import exceptions

from relearn.agents.driver_errors.verdict import Verdict, verdicts
from relearn.schemas.errors import PostgresUnavailable

#: SQLSTATEs, and classes of SQLSTATEs, each with its name in Postgres' manual. A whole SQLSTATE goes before its class.
STATES = verdicts(
    retryable={
        "08": "connection exception",
        "40": "transaction rollback: a deadlock, a failed serialization",
        "53": "insufficient resources: memory, disk, connections",
        "57": "operator intervention: a shutdown, a statement that was cancelled or timed out",
        "58": "system error: input and output",
        "72": "snapshot too old",
        "25001": "active SQL transaction: docs/decisions/driver-errors.md",
        "25006": "read-only SQL transaction: a failover, or a disk that is full",
        "25P02": "in failed SQL transaction",
        "25P03": "idle-in-transaction session timeout",
        "25P04": "transaction timeout",
        "26000": "invalid SQL statement name: the server has lost a prepared statement",
        "55006": "object in use",
        "55P03": "lock not available",
        # Postgres' own checks fail like this at races that pass: `tuple concurrently updated`, a cache lookup of an
        # object that was just dropped. XX001 and XX002 are those that don't pass.
        "XX000": "internal error",
    },
    setup={
        "28": "invalid authorization",
        "3D": "invalid catalog name: no such database",
        "3F": "invalid schema name",
        "F0": "configuration file error",
        "42P01": "undefined table",
        "42501": "insufficient privilege",
        "42703": "undefined column",
        "42704": "undefined object",
        "42883": "undefined function",
        "53400": "configuration limit exceeded",
        "55000": "object not in prerequisite state",
        "55P02": "can't change runtime parameter",
        "57P04": "database dropped",
        "58P01": "undefined file",
        "58P02": "duplicate file",
        "58P03": "file name too long",
        "XX001": "data corrupted",
        "XX002": "index corrupted",
    },
    refused={
        "22": "data exception: a value that its column can't hold",
        "23": "integrity constraint violation",
        "44": "WITH CHECK OPTION violation",
        # This input exceeds a fixed limit of Postgres, in an index row, say. Another input doesn't.
        "54": "program limit exceeded",
        # Raised on purpose, by a trigger or a function that an operator has added to the tables: about this row.
        "P0": "PL/pgSQL error",
    },
    ours={
        "03": "SQL statement not yet complete",
        "09": "triggered action exception",
        "0A": "feature not supported",
        "0B": "invalid transaction initiation",
        "0F": "locator exception",
        "0L": "invalid grantor",
        "0P": "invalid role specification",
        "0Z": "diagnostics exception",
        "10": "XQuery error",
        "20": "case not found",
        "21": "cardinality violation",
        "24": "invalid cursor state",
        "25": "invalid transaction state",
        "26": "invalid SQL statement name",
        "27": "triggered data change violation",
        "2B": "dependent privilege descriptors still exist",
        "2D": "invalid transaction termination",
        "2F": "SQL routine exception",
        "34": "invalid cursor name",
        "38": "external routine exception",
        "39": "external routine invocation exception",
        "3B": "savepoint exception",
        "42": "syntax error or access rule violation",
        "55": "object not in prerequisite state",
        "HV": "foreign data wrapper error",
        "XX": "internal error",
    },
)

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


def cause_of(error: BaseException) -> BaseException:
    """The error that lost the connection: asyncpg complains of it once more when the connection's transaction is left.

    What was being handled meanwhile may be another matter, a refused row say: only an error of the same verdict is it.
    """
    while isinstance(error, asyncpg.InterfaceError) and _retryable(error) and _retryable(error.__context__):
        error = error.__context__
    return error


def _retryable(error: BaseException | None) -> TypeGuard[BaseException]:
    if isinstance(error, ERRORS):
        return verdict_of(error) is Verdict.RETRYABLE
    return isinstance(error, PostgresUnavailable)
