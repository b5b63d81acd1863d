"""One line for people about any error of any driver."""

from __future__ import annotations

import asyncpg
from aiokafka.errors import KafkaError as AioKafkaError
from confluent_kafka import KafkaException
from redis.exceptions import RedisError

from relearn.agents.driver_errors import kafka


def driver_line(error: BaseException) -> str | None:
    """`error` as one line; None where no driver and no operating system raised it."""
    if isinstance(error, KafkaException):
        told = kafka.error_of(error)
        return _line("Kafka", told.str() if told is not None else str(error))
    if isinstance(error, AioKafkaError):
        return _line("Kafka", str(error) or type(error).__name__)
    if isinstance(error, (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)):
        state = getattr(error, "sqlstate", None)
        return _line("Postgres", f"{error} ({state})" if state else str(error))
    if isinstance(error, RedisError):
        return _line("Redis", str(error) or type(error).__name__)
    if isinstance(error, (OSError, TimeoutError)):
        return _line(type(error).__name__, str(error))
    return None


def _line(where: str, text: str) -> str:
    return f"{where}: {' '.join(text.split())}" if text.strip() else where
