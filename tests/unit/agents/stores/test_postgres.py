"""Errors of asyncpg become errors of the project: retryable ones, bad data, and wrong set-up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
import pytest

from relearn.agents.stores.postgres import postgres_errors
from relearn.schemas.errors import BadRow, PostgresUnavailable, RelearnError, SetupError

ERRORS = [
    (asyncpg.CannotConnectNowError("the database system is shutting down"), PostgresUnavailable),
    (asyncpg.ConnectionDoesNotExistError("closed in the middle of an operation"), PostgresUnavailable),
    (asyncpg.AdminShutdownError("terminating connection"), PostgresUnavailable),
    (asyncpg.DeadlockDetectedError("deadlock"), PostgresUnavailable),
    (asyncpg.InterfaceError("connection is closed"), PostgresUnavailable),
    (
        asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress"),
        PostgresUnavailable,
    ),
    (ConnectionResetError("reset by peer"), PostgresUnavailable),
    (TimeoutError(), PostgresUnavailable),
    (asyncpg.UniqueViolationError("twice"), BadRow),
    (asyncpg.CharacterNotInRepertoireError("NUL"), BadRow),
    (asyncpg.UndefinedTableError("no such table"), SetupError),
    (asyncpg.InvalidPasswordError("wrong"), SetupError),
    (asyncpg.exceptions._base.DataError("too large"), BadRow),
]


@contextmanager
def _handling(error: Exception) -> Iterator[None]:
    """The block runs while `error` is being handled."""
    try:
        raise error
    except type(error):
        yield


def _name(one: object) -> str:
    return one.__name__ if isinstance(one, type) else type(one).__name__


@pytest.mark.parametrize(("raised", "becomes"), ERRORS, ids=_name)
def test_an_error_of_the_driver_becomes_one_of_ours(raised: Exception, becomes: type[RelearnError]) -> None:
    """One that isn't known would end the process."""
    with pytest.raises(becomes), postgres_errors():
        raise raised


@pytest.mark.parametrize("handled", [error for error, _ in ERRORS], ids=_name)
@pytest.mark.parametrize(("raised", "becomes"), ERRORS, ids=_name)
def test_an_error_that_was_being_handled_changes_nothing(
    handled: Exception, raised: Exception, becomes: type[RelearnError]
) -> None:
    """A refused row is stored another way; the connection lost meanwhile refuses no row."""
    with pytest.raises(becomes), postgres_errors(), _handling(handled):
        raise raised


def test_an_error_of_ours_in_the_query_itself_is_not_hidden() -> None:
    """A wrong statement is a bug: nothing to wait for."""
    with pytest.raises(asyncpg.PostgresSyntaxError), postgres_errors():
        raise asyncpg.PostgresSyntaxError("syntax error")
