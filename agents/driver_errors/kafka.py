"""Kafka's errors: codes of librdkafka and of the broker, and aiokafka's classes."""

from __future__ import annotations

from typing import Any

from aiokafka import errors as aio
from confluent_kafka import KafkaError, KafkaException

from relearn.agents.driver_errors.verdict import Verdict, verdicts
from relearn.schemas.errors import KafkaUnavailable, RejectedMessage, RelearnError, SetupError, TooLarge

_RETRYABLE = """
    _FAIL _TRANSPORT _CRIT_SYS_RESOURCE _RESOLVE _MSG_TIMED_OUT _ALL_BROKERS_DOWN _TIMED_OUT _QUEUE_FULL _ISR_INSUFF
    _NODE_UPDATE _WAIT_COORD _IN_PROGRESS _PREV_IN_PROGRESS _TIMED_OUT_QUEUE _WAIT_CACHE _INTR _RETRY _NOENT _OUTDATED
    _PURGE_QUEUE _PURGE_INFLIGHT _BAD_MSG _UNDERFLOW _PARTIAL _DESTROY _DESTROY_BROKER _UNKNOWN_BROKER _ASSIGNMENT_LOST
    _MAX_POLL_EXCEEDED _INVALID_DIFFERENT_RECORD _ASSIGN_PARTITIONS _REVOKE_PARTITIONS
    UNKNOWN INVALID_MSG LEADER_NOT_AVAILABLE NOT_LEADER_FOR_PARTITION REQUEST_TIMED_OUT BROKER_NOT_AVAILABLE
    REPLICA_NOT_AVAILABLE STALE_CTRL_EPOCH NETWORK_EXCEPTION COORDINATOR_LOAD_IN_PROGRESS COORDINATOR_NOT_AVAILABLE
    NOT_COORDINATOR NOT_ENOUGH_REPLICAS NOT_ENOUGH_REPLICAS_AFTER_APPEND ILLEGAL_GENERATION UNKNOWN_MEMBER_ID
    REBALANCE_IN_PROGRESS NOT_CONTROLLER CONCURRENT_TRANSACTIONS TRANSACTION_COORDINATOR_FENCED OPERATION_NOT_ATTEMPTED
    KAFKA_STORAGE_ERROR LOG_DIR_NOT_FOUND REASSIGNMENT_IN_PROGRESS FETCH_SESSION_ID_NOT_FOUND
    INVALID_FETCH_SESSION_EPOCH
    LISTENER_NOT_FOUND FENCED_LEADER_EPOCH UNKNOWN_LEADER_EPOCH STALE_BROKER_EPOCH OFFSET_NOT_AVAILABLE
    MEMBER_ID_REQUIRED PREFERRED_LEADER_NOT_AVAILABLE ELIGIBLE_LEADERS_NOT_AVAILABLE UNSTABLE_OFFSET_COMMIT
    THROTTLING_QUOTA_EXCEEDED DELEGATION_TOKEN_EXPIRED INCONSISTENT_VOTER_SET FEATURE_UPDATE_FAILED
    INVALID_UPDATE_VERSION
    INCONSISTENT_TOPIC_ID FENCED_MEMBER_EPOCH STALE_MEMBER_EPOCH UNRELEASED_INSTANCE_ID UNKNOWN_CONTROLLER_ID
    UNKNOWN_SUBSCRIPTION_ID TRANSACTION_ABORTABLE SHARE_SESSION_NOT_FOUND INVALID_SHARE_SESSION_EPOCH FENCED_STATE_EPOCH
    REBOOTSTRAP_REQUIRED STREAMS_INVALID_TOPOLOGY_EPOCH STREAMS_TOPOLOGY_FENCED SHARE_SESSION_LIMIT_REACHED
"""
_SETUP = """
    _UNKNOWN_PARTITION _FS _UNKNOWN_TOPIC _SSL _AUTHENTICATION _UNSUPPORTED_FEATURE _NOT_IMPLEMENTED _UNKNOWN_PROTOCOL
    _INVALID_ARG UNKNOWN_TOPIC_OR_PART UNKNOWN_TOPIC_ID TOPIC_EXCEPTION INVALID_REQUIRED_ACKS INVALID_GROUP_ID
    INVALID_SESSION_TIMEOUT TOPIC_AUTHORIZATION_FAILED GROUP_AUTHORIZATION_FAILED CLUSTER_AUTHORIZATION_FAILED
    TRANSACTIONAL_ID_AUTHORIZATION_FAILED UNSUPPORTED_SASL_MECHANISM ILLEGAL_SASL_STATE UNSUPPORTED_VERSION
    TOPIC_ALREADY_EXISTS INVALID_PARTITIONS INVALID_REPLICATION_FACTOR INVALID_REPLICA_ASSIGNMENT INVALID_CONFIG
    UNSUPPORTED_FOR_MESSAGE_FORMAT POLICY_VIOLATION INVALID_TRANSACTION_TIMEOUT SECURITY_DISABLED
    SASL_AUTHENTICATION_FAILED DELEGATION_TOKEN_AUTH_DISABLED DELEGATION_TOKEN_NOT_FOUND DELEGATION_TOKEN_OWNER_MISMATCH
    DELEGATION_TOKEN_REQUEST_NOT_ALLOWED DELEGATION_TOKEN_AUTHORIZATION_FAILED INVALID_PRINCIPAL_TYPE
    TOPIC_DELETION_DISABLED UNSUPPORTED_COMPRESSION_TYPE GROUP_MAX_SIZE_REACHED UNACCEPTABLE_CREDENTIAL
    PRINCIPAL_DESERIALIZATION_FAILURE MISMATCHED_ENDPOINT_TYPE UNSUPPORTED_ENDPOINT_TYPE INVALID_REGISTRATION
    INCONSISTENT_GROUP_PROTOCOL UNSUPPORTED_ASSIGNOR INVALID_VOTER_KEY DUPLICATE_VOTER VOTER_NOT_FOUND
    STREAMS_INVALID_TOPOLOGY INVALID_REGULAR_EXPRESSION
"""
_REFUSED = """
    _BAD_COMPRESSION _KEY_SERIALIZATION _VALUE_SERIALIZATION _KEY_DESERIALIZATION _VALUE_DESERIALIZATION _NO_OFFSET
    _AUTO_OFFSET_RESET _LOG_TRUNCATION _UNKNOWN_GROUP OFFSET_OUT_OF_RANGE INVALID_MSG_SIZE MSG_SIZE_TOO_LARGE
    OFFSET_METADATA_TOO_LARGE RECORD_LIST_TOO_LARGE INVALID_COMMIT_OFFSET_SIZE INVALID_TIMESTAMP INVALID_RECORD
    NON_EMPTY_GROUP GROUP_ID_NOT_FOUND ELECTION_NOT_NEEDED NO_REASSIGNMENT_IN_PROGRESS GROUP_SUBSCRIBED_TO_TOPIC
    RESOURCE_NOT_FOUND DUPLICATE_RESOURCE INVALID_RECORD_STATE TELEMETRY_TOO_LARGE
"""
#: A fatal error of a producer is among these: a new process has a new producer.
_OURS = """
    _PARTITION_EOF _EXISTING_SUBSCRIPTION _CONFLICT _STATE _READ_ONLY _INVALID_TYPE _FATAL _INCONSISTENT
    _GAPLESS_GUARANTEE _NOT_CONFIGURED _FENCED _APPLICATION _NOOP NO_ERROR INVALID_REQUEST OUT_OF_ORDER_SEQUENCE_NUMBER
    DUPLICATE_SEQUENCE_NUMBER INVALID_PRODUCER_EPOCH INVALID_TXN_STATE INVALID_PRODUCER_ID_MAPPING UNKNOWN_PRODUCER_ID
    FENCED_INSTANCE_ID PRODUCER_FENCED
"""

#: Every code of `confluent_kafka.KafkaError` by its name.
CODES = verdicts(retryable=_RETRYABLE.split(), setup=_SETUP.split(), refused=_REFUSED.split(), ours=_OURS.split())
_BY_NUMBER: dict[int, Verdict] = {
    getattr(KafkaError, name): verdict for name, verdict in CODES.items() if hasattr(KafkaError, name)
}
_NO_TOPIC = frozenset(
    getattr(KafkaError, name) for name in ("_UNKNOWN_TOPIC", "UNKNOWN_TOPIC_OR_PART", "UNKNOWN_TOPIC_ID")
)

#: aiokafka's errors that carry no code of the broker.
CLASSES: dict[type[BaseException], Verdict] = {
    aio.KafkaError: Verdict.RETRYABLE,
    aio.Cancelled: Verdict.RETRYABLE,
    aio.CommitFailedError: Verdict.RETRYABLE,
    aio.CorrelationIdError: Verdict.RETRYABLE,
    aio.KafkaConnectionError: Verdict.RETRYABLE,
    aio.KafkaProtocolError: Verdict.RETRYABLE,
    aio.KafkaTimeoutError: Verdict.RETRYABLE,
    aio.KafkaUnavailableError: Verdict.RETRYABLE,
    aio.MetadataEmptyBrokerList: Verdict.RETRYABLE,
    aio.NoBrokersAvailable: Verdict.RETRYABLE,
    aio.NodeNotReadyError: Verdict.RETRYABLE,
    aio.QuotaViolationError: Verdict.RETRYABLE,
    aio.StaleMetadata: Verdict.RETRYABLE,
    aio.TooManyInFlightRequests: Verdict.RETRYABLE,
    aio.AuthenticationFailedError: Verdict.SETUP,
    aio.AuthenticationMethodNotSupported: Verdict.SETUP,
    aio.IncompatibleBrokerVersion: Verdict.SETUP,
    aio.KafkaConfigurationError: Verdict.SETUP,
    aio.UnrecognizedBrokerVersion: Verdict.SETUP,
    aio.UnsupportedCodecError: Verdict.SETUP,
    aio.NoOffsetForPartitionError: Verdict.REFUSED,
    aio.RecordTooLargeError: Verdict.REFUSED,
    aio.ConsumerStoppedError: Verdict.OURS,
    aio.IllegalArgumentError: Verdict.OURS,
    aio.IllegalOperation: Verdict.OURS,
    aio.IllegalStateError: Verdict.OURS,
    aio.ProducerClosed: Verdict.OURS,
    aio.ProducerFenced: Verdict.OURS,
}


def code_verdict(error: KafkaError) -> Verdict:
    """The meaning of librdkafka's `error`. A fatal error of a producer ends the process."""
    return Verdict.OURS if error.fatal() else _BY_NUMBER.get(error.code(), Verdict.OURS)


def class_verdict(error: BaseException) -> Verdict:
    """The meaning of an error that aiokafka raises: by the broker's code where it has one, else by its class."""
    code = getattr(error, "errno", None)
    if isinstance(error, aio.BrokerResponseError) and code in _BY_NUMBER:
        return _BY_NUMBER[code]
    return next((CLASSES[base] for base in type(error).__mro__ if base in CLASSES), Verdict.OURS)


def missing_topic(error: KafkaError) -> bool:
    """Whether `error` means that a topic doesn't exist."""
    return error.code() in _NO_TOPIC


def kafka_error(
    error: KafkaError, what: str | None = None, *, topic: str | None = None
) -> RelearnError | KafkaException:
    """librdkafka's `error` as an error of `schemas.errors`; a KafkaException where this program is at fault.

    `what` begins the line. `topic` is the topic in question, for the remedy.
    """
    verdict = code_verdict(error)
    silent = verdict is Verdict.RETRYABLE and error.code() < 0  # librdkafka's own code: no broker has answered
    began = what or ("Kafka doesn't answer at RELEARN_KAFKA_BROKERS" if silent else "Kafka")
    text = f"{began}: {error.str()}"
    if verdict is Verdict.RETRYABLE:
        return KafkaUnavailable(text)
    if error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
        return TooLarge(f"{text}: a message is larger than topic {topic} takes" if topic else text)
    if verdict is Verdict.REFUSED:
        return RejectedMessage(text)
    if verdict is Verdict.SETUP:
        return SetupError(_remedy(error, text, topic))
    return KafkaException(error)


def _remedy(error: KafkaError, text: str, topic: str | None) -> str:
    if missing_topic(error):
        return f"there is no topic {topic}; run `relearn migrate` first" if topic else f"{text}; run `relearn migrate`"
    if error.code() == KafkaError._UNKNOWN_PARTITION:
        return f"topic {topic} has fewer partitions than `ingest`; run `relearn migrate`" if topic else text
    if "authoriz" in error.str():
        return f"{text}; grant it to the user of RELEARN_KAFKA_SASL_USERNAME" + (f" on {topic}" if topic else "")
    return text


def error_of(exc: KafkaException) -> KafkaError | None:
    """The KafkaError of a KafkaException; None where it has another content."""
    first: Any = exc.args[0] if exc.args else None
    return first if isinstance(first, KafkaError) else None
