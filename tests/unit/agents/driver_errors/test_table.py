"""Every error of the installed drivers is in the table: a new version's new error fails here until it has a verdict."""

from __future__ import annotations

from collections.abc import Iterator

import aiokafka.errors
import asyncpg
import pytest
from asyncpg import exceptions
from confluent_kafka import KafkaError, KafkaException
from redis import exceptions as redis_exceptions

from relearn.agents.driver_errors import kafka, postgres, redis
from relearn.agents.driver_errors.line import driver_line
from relearn.agents.driver_errors.verdict import Verdict, verdicts
from relearn.schemas.errors import KafkaUnavailable, RejectedMessage, SetupError


def tree(root: type[BaseException]) -> Iterator[type[BaseException]]:
    """`root` and all classes below it that its package defines."""
    yield root
    for one in root.__subclasses__():
        if one.__module__.split(".")[0] == root.__module__.split(".")[0]:
            yield from tree(one)


def test_every_code_of_librdkafka_is_in_the_table() -> None:
    names = {name for name in dir(KafkaError) if isinstance(getattr(KafkaError, name), int)}
    assert names - set(kafka.CODES) == set()
    assert set(kafka.CODES) - names == set()


def test_no_code_has_two_verdicts() -> None:
    with pytest.raises(ValueError, match="A is retryable and refused"):
        verdicts(retryable=["A", "B"], setup=[], refused=["A"], ours=[])


def test_every_error_of_aiokafka_is_in_the_table() -> None:
    """By the broker's code, or by its own class."""
    own = {one for one in tree(aiokafka.errors.KafkaError) if one is not aiokafka.errors.BrokerResponseError}
    by_code = {one for one in own if issubclass(one, aiokafka.errors.BrokerResponseError)}
    assert {one for one in by_code if one.errno not in kafka._BY_NUMBER} == set()
    others = {aiokafka.errors.ConsumerStoppedError, aiokafka.errors.IllegalOperation}
    assert (own - by_code) | others == set(kafka.CLASSES)


def test_every_sqlstate_that_asyncpg_knows_is_in_the_table() -> None:
    """By the whole SQLSTATE or by its class; errors of asyncpg itself by their class in Python."""
    known = [one for one in tree(exceptions.PostgresError) if getattr(one, "sqlstate", None)]
    assert len(known) > 200
    assert [
        one for one in known if one.sqlstate not in postgres.STATES and one.sqlstate[:2] not in postgres.STATES
    ] == []
    for root in (asyncpg.InterfaceError, asyncpg.InternalClientError):
        assert set(tree(root)) - set(postgres.CLASSES) == set()


def test_every_error_of_redis_is_in_the_table() -> None:
    assert set(tree(redis_exceptions.RedisError)) - set(redis.CLASSES) == set()


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("_NOENT", Verdict.RETRYABLE),
        ("UNKNOWN_LEADER_EPOCH", Verdict.RETRYABLE),
        ("_MSG_TIMED_OUT", Verdict.RETRYABLE),
        ("MSG_SIZE_TOO_LARGE", Verdict.REFUSED),
        ("INVALID_RECORD", Verdict.REFUSED),
        ("TOPIC_AUTHORIZATION_FAILED", Verdict.SETUP),
        ("_UNKNOWN_PARTITION", Verdict.SETUP),
        ("PRODUCER_FENCED", Verdict.OURS),
    ],
)
def test_what_the_codes_mean(name: str, verdict: Verdict) -> None:
    assert kafka.code_verdict(KafkaError(getattr(KafkaError, name))) is verdict


def test_a_code_becomes_an_error_that_its_caller_can_use() -> None:
    """A server that is away, an input that is refused, a deployment to mend, and a defect."""
    assert isinstance(kafka.kafka_error(KafkaError(KafkaError._NOENT)), KafkaUnavailable)
    assert isinstance(kafka.kafka_error(KafkaError(KafkaError.MSG_SIZE_TOO_LARGE)), RejectedMessage)
    assert isinstance(kafka.kafka_error(KafkaError(KafkaError.PRODUCER_FENCED)), KafkaException)
    missing = kafka.kafka_error(KafkaError(KafkaError._UNKNOWN_TOPIC), topic="ns.ingest")
    assert isinstance(missing, SetupError)
    assert str(missing) == "there is no topic ns.ingest; run `relearn migrate` first"
    assert isinstance(kafka.kafka_error(KafkaError(KafkaError._TRANSPORT, "x", fatal=True)), KafkaException)


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        ("25006", Verdict.RETRYABLE),  # read-only
        ("25001", Verdict.RETRYABLE),  # the connection was inside a transaction
        ("53100", Verdict.RETRYABLE),  # disk full
        ("53300", Verdict.RETRYABLE),  # too many connections
        ("57P01", Verdict.RETRYABLE),  # shutdown
        ("57014", Verdict.RETRYABLE),  # a timeout
        ("40P01", Verdict.RETRYABLE),
        ("08006", Verdict.RETRYABLE),
        ("42501", Verdict.SETUP),
        ("42P01", Verdict.SETUP),
        ("28P01", Verdict.SETUP),
        ("22021", Verdict.REFUSED),
        ("54000", Verdict.REFUSED),  # an index row that is too large
        ("42601", Verdict.OURS),
        ("ZZ999", Verdict.OURS),
    ],
)
def test_what_the_sqlstates_mean(state: str, verdict: Verdict) -> None:
    assert postgres.verdict_of(exceptions.PostgresError.new({"C": state, "M": "no"})) is verdict


def test_what_errors_without_a_code_mean() -> None:
    """Those of a connection can change; a value that asyncpg can't encode can't."""
    assert postgres.verdict_of(TimeoutError()) is Verdict.RETRYABLE
    assert postgres.verdict_of(ConnectionResetError()) is Verdict.RETRYABLE
    assert postgres.verdict_of(asyncpg.InterfaceError("connection is closed")) is Verdict.RETRYABLE
    assert postgres.verdict_of(exceptions.InvalidCachedStatementError("plan")) is Verdict.RETRYABLE
    assert postgres.verdict_of(exceptions._base.DataError("no")) is Verdict.REFUSED
    assert kafka.class_verdict(aiokafka.errors.NotLeaderForPartitionError()) is Verdict.RETRYABLE
    assert kafka.class_verdict(aiokafka.errors.TopicAuthorizationFailedError()) is Verdict.SETUP
    assert kafka.class_verdict(aiokafka.errors.KafkaConnectionError()) is Verdict.RETRYABLE
    assert kafka.class_verdict(ValueError()) is Verdict.OURS
    assert redis.verdict_of(redis_exceptions.ReadOnlyError()) is Verdict.RETRYABLE
    assert redis.verdict_of(redis_exceptions.NoPermissionError()) is Verdict.SETUP


@pytest.mark.parametrize(
    "error",
    [
        KafkaException(KafkaError(KafkaError._NOENT, "No leaders\nfound")),
        aiokafka.errors.KafkaConnectionError(),
        exceptions.PostgresError.new({"C": "25006", "M": "cannot execute\nINSERT"}),
        asyncpg.InterfaceError("pool is closed"),
        redis_exceptions.ConnectionError(),
        ConnectionRefusedError(111, "refused"),
        TimeoutError(),
    ],
)
def test_each_driver_error_is_a_line(error: BaseException) -> None:
    line = driver_line(error)
    assert line
    assert "\n" not in line
    assert driver_line(ValueError("ours")) is None
