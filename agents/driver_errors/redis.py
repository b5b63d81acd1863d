"""Redis' errors, by class. Everything in Redis may be lost, so that no verdict stops a caller: it goes on without."""

from __future__ import annotations

from redis import exceptions, sentinel
from redis.asyncio import sentinel as async_sentinel

from relearn.agents.driver_errors.verdict import Verdict

CLASSES: dict[type[BaseException], Verdict] = {
    exceptions.RedisError: Verdict.RETRYABLE,
    exceptions.AskError: Verdict.RETRYABLE,
    exceptions.BusyLoadingError: Verdict.RETRYABLE,
    exceptions.ClusterDownError: Verdict.RETRYABLE,
    exceptions.ClusterError: Verdict.RETRYABLE,
    exceptions.ConnectionError: Verdict.RETRYABLE,
    exceptions.ExecAbortError: Verdict.RETRYABLE,
    exceptions.InvalidResponse: Verdict.RETRYABLE,
    exceptions.LockError: Verdict.RETRYABLE,
    exceptions.LockNotOwnedError: Verdict.RETRYABLE,
    exceptions.MasterDownError: Verdict.RETRYABLE,
    exceptions.MaxConnectionsError: Verdict.RETRYABLE,
    exceptions.MovedError: Verdict.RETRYABLE,
    exceptions.OutOfMemoryError: Verdict.RETRYABLE,
    exceptions.ReadOnlyError: Verdict.RETRYABLE,
    exceptions.TimeoutError: Verdict.RETRYABLE,
    exceptions.TryAgainError: Verdict.RETRYABLE,
    exceptions.WatchError: Verdict.RETRYABLE,
    sentinel.MasterNotFoundError: Verdict.RETRYABLE,
    sentinel.SlaveNotFoundError: Verdict.RETRYABLE,
    async_sentinel.MasterNotFoundError: Verdict.RETRYABLE,
    async_sentinel.SlaveNotFoundError: Verdict.RETRYABLE,
    exceptions.AuthenticationError: Verdict.SETUP,
    exceptions.AuthenticationWrongNumberOfArgsError: Verdict.SETUP,
    exceptions.AuthorizationError: Verdict.SETUP,
    exceptions.ExternalAuthProviderError: Verdict.SETUP,
    exceptions.ModuleError: Verdict.SETUP,
    exceptions.NoPermissionError: Verdict.SETUP,
    exceptions.ClusterCrossSlotError: Verdict.SETUP,
    # WRONGTYPE: another program has written a key of the namespace.
    exceptions.ResponseError: Verdict.SETUP,
    exceptions.DataError: Verdict.REFUSED,
    exceptions.NoScriptError: Verdict.OURS,
    exceptions.NoSuchFieldsetError: Verdict.OURS,
    exceptions.PubSubError: Verdict.OURS,
}


def verdict_of(error: BaseException) -> Verdict:
    """The meaning of an error of redis-py, or of an OSError or TimeoutError of its connection."""
    return next((CLASSES[base] for base in type(error).__mro__ if base in CLASSES), Verdict.RETRYABLE)
