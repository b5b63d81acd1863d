"""Settings: one frozen object, read once at the entry point from a mapping of `RELEARN_…` names.

All problems are reported in one message, by the variables' names. No secret has a default.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from relearn.schemas.errors import SettingsError

PREFIX = "RELEARN_"
ROLES = ("score", "store", "feedback", "retrain", "results")


def _comma_separated(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _off(value: Any) -> Any:
    return None if value == "off" else value


CommaSeparated = Annotated[tuple[str, ...], BeforeValidator(_comma_separated)]
#: A number that can be turned off: the text `off` is None.
OrOff = Annotated[float | None, BeforeValidator(_off)]


def _address(url: str, *schemes: str) -> str:
    """`url` itself.

    Raises:
        ValueError: a driver can't read it. The text repeats nothing of `url`, which may hold a password.
    """
    encoded = "; in a password # is %23, / is %2F, ? is %3F, @ is %40"
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError(f"can't be read as an address{encoded}") from None
    if parts.scheme not in schemes:
        raise ValueError(f"not a {' or '.join(f'{scheme}://' for scheme in schemes)} address")
    user, _, hosts = parts.netloc.rpartition("@")
    ports = [host.rpartition("]")[2].partition(":")[2] for host in hosts.split(",")]
    if parts.fragment or "@" in parts.path or "@" in user or not all(map(_is_port, ports)):
        raise ValueError(f"can't be read as an address: its port isn't a number, or a sign isn't encoded{encoded}")
    return url


def _is_port(text: str) -> bool:
    return not text or (text.isascii() and text.isdigit() and int(text[:6]) < 65536)


class Settings(BaseModel):
    """All settings of Relearn's processes. Field `x` is the environment variable `RELEARN_X`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    namespace: str = Field("relearn", pattern=r"^[a-z][a-z0-9_-]{0,39}$")
    data_dir: Path = Path(".relearn")
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    kafka_brokers: CommaSeparated = ("127.0.0.1:19092",)
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    kafka_sasl_username: str = ""
    kafka_sasl_password: str = Field("", repr=False)
    kafka_isolation: Literal["read_committed", "read_uncommitted"] = "read_committed"
    kafka_ssl_ca_file: Path | None = None
    kafka_ssl_cert_file: Path | None = None
    kafka_ssl_key_file: Path | None = None
    partitions: int = Field(8, ge=1, le=1000)
    replication: int = Field(1, ge=1, le=7)
    ingest_retention_hours: int = Field(168, ge=1)
    results: Literal["off", "json", "avro"] = "off"
    ingest_mapping: Path | None = None
    schema_registry_url: str = Field("", repr=False)
    schema_registry_ca_file: Path | None = None

    # sslmode, sslrootcert … in the DSN and rediss:// in the URL turn TLS on, as asyncpg and redis-py read them.
    postgres_dsn: str = Field("postgresql://relearn_app@127.0.0.1:15432/postgres", repr=False)
    postgres_owner_dsn: str = Field("", repr=False)
    redis_url: str = Field("redis://127.0.0.1:16379/0", repr=False)
    retention_days: int = Field(30, ge=1)

    #: Workers that should run, as `score=2,store=1`: status lists those that send no heartbeat. `up` sets it.
    expected_workers: CommaSeparated = ()

    signing_key_file: Path | None = None
    verify_keys: CommaSeparated = ()

    dlq_max_share: float = Field(0.5, gt=0, le=1)
    dlq_min_records: int = Field(1000, ge=1)
    quarantine_deaths: int = Field(3, ge=2)

    api_host: str = Field("127.0.0.1", min_length=1)
    api_port: int = Field(8080, ge=1, le=65535)
    api_rate: OrOff = Field(1000.0, gt=0)
    api_max_body_mb: int = Field(32, ge=1, le=1024)
    api_cors_origins: CommaSeparated = ()
    model_name: str = Field("svm", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")
    review_claim_s: float = Field(300.0, gt=0)

    feedback_wait_s: float = Field(600.0, ge=0)
    retrain_corrections: int = Field(20, ge=1)
    retrain_labels: int = Field(100, ge=1)
    retrain_rate: OrOff = Field(None, gt=0, lt=1)
    retrain_drift: bool = True
    retrain_every_s: OrOff = Field(None, gt=0)
    retrain_settle_s: float = Field(1.0, ge=0)
    retrain_cooldown_s: float = Field(10.0, ge=0)
    reviewer_labels: int = Field(500, ge=1)
    train_max_labels: int = Field(50_000, ge=100)
    audit_share: float = Field(0.2, ge=0, le=1)
    assumed_weight: float = Field(0.2, ge=0, le=1)
    gate_alpha: float = Field(0.05, gt=0, lt=0.5)
    shadow_labels: int = Field(30, ge=1)
    shadow_s: float = Field(600.0, gt=0)
    rollback_evidence: float = Field(20.0, gt=1)
    rollback_labels: int = Field(1000, ge=1)

    @field_validator("kafka_brokers")
    @classmethod
    def _brokers_have_ports(cls, brokers: tuple[str, ...]) -> tuple[str, ...]:
        if not brokers:
            raise ValueError("name at least one broker, as host:port")
        for broker in brokers:
            host, _, port = broker.rpartition(":")
            if not host or not port.isdigit() or not 0 < int(port) < 65536:
                raise ValueError(f"{broker!r} is not host:port")
        return brokers

    @field_validator("postgres_dsn", "postgres_owner_dsn")
    @classmethod
    def _postgres_has_an_address(cls, url: str) -> str:
        return _address(url, "postgresql", "postgres") if url else url

    @field_validator("schema_registry_url")
    @classmethod
    def _registry_has_an_address(cls, url: str) -> str:
        return _address(url, "http", "https") if url else url

    @field_validator("redis_url")
    @classmethod
    def _redis_has_an_address(cls, url: str) -> str:
        return _address(url, "redis", "rediss", "unix")

    @field_validator("expected_workers")
    @classmethod
    def _workers_are_numbers_of_roles(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        roles = [one.partition("=")[0] for one in given]
        for one, role in zip(given, roles, strict=True):
            number = one.partition("=")[2]
            if role not in ROLES or not number.isdecimal() or roles.count(role) > 1:
                raise ValueError(f"{one!r} is not one of {', '.join(ROLES)} with a number, such as score=2, each once")
        return given

    @field_validator("api_cors_origins")
    @classmethod
    def _origins_are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if not re.fullmatch(r"https?://[A-Za-z0-9.:\[\]-]+", origin):
                raise ValueError(f"{origin!r} is no origin such as https://page.example:8443; `*` is not allowed")
        return tuple(origin.lower() for origin in origins)

    @model_validator(mode="after")
    def _avro_has_a_registry(self) -> Settings:
        if self.results == "avro" and not self.schema_registry_url:
            raise ValueError("RELEARN_SCHEMA_REGISTRY_URL is needed for RELEARN_RESULTS=avro")
        return self

    @model_validator(mode="after")
    def _sasl_is_whole(self) -> Settings:
        if self.kafka_security_protocol.startswith("SASL") and not (
            self.kafka_sasl_username and self.kafka_sasl_password
        ):
            raise ValueError("RELEARN_KAFKA_SASL_USERNAME and RELEARN_KAFKA_SASL_PASSWORD are needed for SASL")
        return self

    @property
    def expected(self) -> dict[str, int]:
        """The number of workers that should run, by role; a role that isn't in it has no expectation."""
        return {role: int(number) for role, _, number in (one.partition("=") for one in self.expected_workers)}

    @property
    def migration_dsn(self) -> str:
        """Postgres' address for migrations: that of the tables' owner."""
        return self.postgres_owner_dsn or self.postgres_dsn

    @property
    def keys_dir(self) -> Path:
        """The directory where `relearn up` creates the signing key pair."""
        return self.data_dir / "keys"


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Settings from a mapping such as `os.environ`.

    Raises:
        SettingsError: one line per invalid value, each with its `RELEARN_…` name.
    """
    given = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(PREFIX) and value != ""
    }
    try:
        return Settings.model_validate(given)
    except ValidationError as exc:
        raise SettingsError("\n".join(_problem(error) for error in exc.errors())) from exc


def as_environment(settings: Settings) -> dict[str, str]:
    """The settings that aren't the default, as `read_settings` reads them: for a child process."""
    changed = settings.model_dump(exclude_defaults=True)
    return {PREFIX + name.upper(): _as_text(value) for name, value in changed.items()}


def _as_text(value: Any) -> str:
    if value is None:
        return "off"
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _problem(error: Any) -> str:
    name = PREFIX + str(error["loc"][0]).upper() if error["loc"] else "settings"
    message = str(error["msg"]).removeprefix("Value error, ")
    secret = "PASSWORD" in name or "DSN" in name or "URL" in name
    return f"{name}: {message}" if secret or not error["loc"] else f"{name}={error['input']}: {message}"
