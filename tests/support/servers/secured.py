"""Kafka, Postgres and Valkey as a stranger may run them: with passwords, over TLS, on the servers of `relearn up`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import asyncpg
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from relearn.scripts.dev.bench.faults.servers import LoopThread, free_ports
from relearn.scripts.embedded.processes.process import Process
from relearn.scripts.embedded.processes.supervisor import Supervisor
from relearn.scripts.embedded.servers import kafka, local, ports, postgres, valkey
from relearn.scripts.embedded.servers.ports import LOOPBACK
from relearn.scripts.embedded.servers.secrets import Secrets
from tests.support.servers.certificates import Authority, Signed
from tests.support.servers.embedded import for_tests
from tests.support.servers.tls_relay import TlsRelay

USER = "relearn"
#: With letters that mean something in an address.
PASSWORD = "p@ss:w/rd#1%"

# The plain listener stays for those who run the servers: the readiness probe, and making the users.
KAFKA_PROPERTIES = """\
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller},{secured}
advertised.listeners=PLAINTEXT://{host}:{port},{secured}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,{protocols}
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
ssl.truststore.type=PEM
ssl.truststore.location={truststore}
listener.name.ssl.ssl.client.auth=required
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=true
super.users=User:ANONYMOUS
"""
PLAIN = """\
listener.name.{listener}.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
user_{user}="{password}";
"""
SCRAM = """\
listener.name.{listener}.{mechanism}.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
"""
SECURED = ("SSL", "SASL_SSL", "SASL_PLAINTEXT")

# `postgres` without a password is for the server's operator; all other users need one.
HBA = f"""\
host all postgres {LOOPBACK}/32 trust
host all all {LOOPBACK}/32 scram-sha-256
"""


@dataclass(frozen=True)
class Addresses:
    """Where a stranger reaches the servers."""

    kafka: Mapping[str, int]
    """The port of each security protocol."""
    operator: int
    """Kafka's plain port, whose clients may do everything."""
    postgres: int
    valkey: int


class SecuredServers:
    """The three servers. `settings` leads to them, in each of the ways that Kafka's security has."""

    def __init__(self, directory: Path) -> None:
        authority = Authority(directory / "certificates", "an authority for tests")
        self.ca = authority.file
        self.client = authority.sign("client")
        self.server = authority.sign("server")
        self._secrets = Secrets.of({})
        self._thread = LoopThread()
        self._relays: list[TlsRelay] = []
        self._supervisor = self._thread.call(_supervisor(directory))
        try:
            self._at = self._thread.call(self._start(directory))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._thread.call(self._stop())
        self._thread.close()

    def settings(self, protocol: str, mechanism: str = "PLAIN") -> dict[str, str]:
        """`RELEARN_…` settings of one who may use them."""
        found = {
            "RELEARN_KAFKA_BROKERS": f"{LOOPBACK}:{self._at.kafka[protocol]}",
            "RELEARN_KAFKA_SECURITY_PROTOCOL": protocol,
            "RELEARN_POSTGRES_DSN": self.dsn(),
            "RELEARN_REDIS_URL": self.redis_url(),
        }
        if protocol.endswith("SSL"):
            found["RELEARN_KAFKA_SSL_CA_FILE"] = str(self.ca)
        if protocol == "SSL":
            found["RELEARN_KAFKA_SSL_CERT_FILE"] = str(self.client.cert)
            found["RELEARN_KAFKA_SSL_KEY_FILE"] = str(self.client.key)
        if protocol.startswith("SASL"):
            found["RELEARN_KAFKA_SASL_MECHANISM"] = mechanism
            found["RELEARN_KAFKA_SASL_USERNAME"] = USER
            found["RELEARN_KAFKA_SASL_PASSWORD"] = PASSWORD
        return found

    @contextmanager
    def forbidden(self, resource: tuple[ResourceType, str]) -> Iterator[Callable[[], None]]:
        """Inside the block only another user may use this topic or group; the yielded function permits it early.

        Kafka permits everything on what no rule is about.
        """
        admin = AdminClient({"bootstrap.servers": kafka.brokers(self._at.operator), "log_level": 0})
        rule = (*resource, ResourcePatternType.LITERAL, "User:another", "*")
        for made in admin.create_acls([AclBinding(*rule, AclOperation.ALL, AclPermissionType.ALLOW)]).values():
            made.result()

        def permit() -> None:
            mine = AclBindingFilter(*rule, AclOperation.ANY, AclPermissionType.ANY)
            for deleted in admin.delete_acls([mine]).values():
                deleted.result()

        try:
            yield permit
        finally:
            permit()

    def dsn(self, *, password: str = PASSWORD, ca: Path | None = None) -> str:
        where = f"{USER}:{quote(password, safe='')}@{LOOPBACK}:{self._at.postgres}/{USER}"
        return f"postgresql://{where}?sslmode=verify-full&sslrootcert={quote(str(ca or self.ca))}"

    def redis_url(self, *, password: str = PASSWORD, ca: Path | None = None) -> str:
        where = f"{USER}:{quote(password, safe='')}@{LOOPBACK}:{self._at.valkey}/0"
        return f"rediss://{where}?ssl_ca_certs={quote(str(ca or self.ca))}"

    async def _start(self, directory: Path) -> Addresses:
        await local.prepare(directory, local.SETTING, self._secrets, lambda event: None)
        (directory / postgres.NAME / "pg_hba.conf").write_text(HBA)
        async with ports.choosing():
            at = free_ports()
            secured = _more_ports(at)
            await self._supervisor.start(
                *(
                    self._secured(for_tests(process), directory, at, secured)
                    for process in local.describe(directory, local.SETTING, at, self._secrets, dict(os.environ))
                )
            )
        await asyncio.gather(_make_kafka_user(at.kafka), _make_postgres_user(at.postgres))
        return Addresses(
            secured,
            at.kafka,
            await self._relay(at.postgres, asked_first=True),
            await self._relay(at.valkey),
        )

    def _secured(self, process: Process, directory: Path, at: local.Ports, secured: Mapping[str, int]) -> Process:
        if process.name == valkey.NAME:
            return replace(process, argv=(*process.argv, "--user", USER, "on", f">{PASSWORD}", "~*", "&*", "+@all"))
        if process.name == kafka.NAME:
            text = kafka_properties(at, secured, self.server, self.ca)

            def write() -> None:
                assert process.before_start is not None
                process.before_start()
                with (directory / kafka.NAME / "server.properties").open("a") as file:
                    file.write(text)

            return replace(process, before_start=write)
        return process

    async def _relay(self, port_behind: int, *, asked_first: bool = False) -> int:
        relay = TlsRelay(self.server, port_behind, asked_first=asked_first)
        port = await relay.open()
        self._relays.append(relay)
        return port

    async def _stop(self) -> None:
        await asyncio.gather(*(relay.close() for relay in self._relays))
        await self._supervisor.stop_all()


async def _supervisor(directory: Path) -> Supervisor:
    return Supervisor(directory, restart=False)


def _more_ports(at: local.Ports) -> dict[str, int]:
    taken = [at.kafka, at.controller, at.postgres, at.valkey]
    for _ in SECURED:
        taken.append(ports.choose(taken[-1] + 1, taken=taken))
    return dict(zip(SECURED, taken[-len(SECURED) :], strict=True))


def kafka_properties(at: local.Ports, secured: Mapping[str, int], server: Signed, ca: Path) -> str:
    """What stands below the properties of `relearn up`, and takes their place where it names the same."""
    text = KAFKA_PROPERTIES.format(
        host=LOOPBACK,
        port=at.kafka,
        controller=at.controller,
        secured=",".join(f"{protocol}://{LOOPBACK}:{port}" for protocol, port in secured.items()),
        protocols=",".join(f"{protocol}:{protocol}" for protocol in secured),
        keystore=server.both,
        truststore=ca,
    )
    for listener in ("sasl_ssl", "sasl_plaintext"):
        text += PLAIN.format(listener=listener, user=USER, password=PASSWORD)
        text += "".join(SCRAM.format(listener=listener, mechanism=f"scram-sha-{bits}") for bits in (256, 512))
    return text


async def _make_kafka_user(port: int) -> None:
    admin = AdminClient({"bootstrap.servers": kafka.brokers(port), "log_level": 0})
    for mechanism in (ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512):  # a request takes one of a user
        wanted = UserScramCredentialUpsertion(USER, ScramCredentialInfo(mechanism, 4096), PASSWORD.encode())
        await asyncio.wrap_future(admin.alter_user_scram_credentials([wanted])[USER])


async def _make_postgres_user(port: int) -> None:
    connection = await asyncpg.connect(postgres.dsn(port, "", "postgres"))
    try:
        await connection.execute(f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'")
        await connection.execute(f"CREATE DATABASE {USER} OWNER {USER}")
    finally:
        await connection.close()
