"""One schema, fetched from the schema registry by its id, with confluent-kafka's client. Blocking: run in a thread.

The registry's answers are those of another program: bounded in size, and what is wrong with them is distinguished. A
registry that is away is retried, an operator mends a wrong address or permission, all else is the schema's fault.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError

from relearn.schemas.errors import BadMessage, RegistryUnavailable, SetupError
from relearn.schemas.settings import PREFIX, Settings

URL_SETTING = PREFIX + "SCHEMA_REGISTRY_URL"
CA_SETTING = PREFIX + "SCHEMA_REGISTRY_CA_FILE"
#: Maximum of a schema, of an answer of the registry, and of the schemas that one schema refers to.
SCHEMA_MAX_BYTES = 512 * 1024
ANSWER_MAX_BYTES = 2 * 1024 * 1024
REFERENCES_MAX = 32
#: Of one step of a request, and of a whole answer.
TIMEOUT_S, ANSWER_TIMEOUT_S = 5.0, 10.0
_UNKNOWN = (40401, 40402, 40403)
_BUSY = (408, 425, 429)


@dataclass(frozen=True, slots=True)
class FoundSchema:
    """A schema of the registry. `references`: names and texts of those that it names, first those that others name."""

    kind: str
    text: str
    references: tuple[tuple[str, str], ...] = ()


class Registry:
    """The client of one process. Blocking; used by one thread at a time."""

    def __init__(self, settings: Settings) -> None:
        """Nothing is sent.

        Raises:
            SetupError: the file with the certificates can't be used.
        """
        config: dict[str, Any] = {"url": settings.schema_registry_url, "timeout": TIMEOUT_S, "max.retries": 0}
        if settings.schema_registry_ca_file is not None:
            config["ssl.ca.location"] = str(settings.schema_registry_ca_file)
        try:
            self._client = SchemaRegistryClient(config)
        except (OSError, ValueError) as exc:
            raise SetupError(f"no client for the schema registry; look at {CA_SETTING}: {exc}") from exc
        session = self._client._rest_client.session
        session.headers["Accept-Encoding"] = "identity"  # a packed answer has no bound
        session.event_hooks = {"response": [_bound]}

    def fetch(self, schema_id: int) -> FoundSchema:
        """The schema with this id.

        Raises:
            BadMessage: with reason `schema`: the registry has none, or an unusable one.
            RegistryUnavailable: retryable.
            SetupError: the address isn't a registry's, or it refuses access.
        """
        found = self._ask(lambda: self._client.get_schema(schema_id), f"schema {schema_id}")
        references: dict[tuple[str, int], tuple[str, str]] = {}
        self._refer(found, references)
        return FoundSchema(str(found.schema_type or "AVRO"), _text(found), tuple(references.values()))

    def register(self, subject: str, text: str) -> int:
        """The id of an Avro schema of ours, which the registry has from now on. Safe to repeat.

        Raises:
            BadMessage: the registry refuses it, for example since it has another one that isn't compatible.
            RegistryUnavailable, SetupError: as `fetch`.
        """
        schema = Schema(text, "AVRO")
        return int(self._ask(lambda: self._client.register_schema(subject, schema), f"subject {subject}"))

    def close(self) -> None:
        """Disconnect."""
        self._client.close()

    def _refer(self, schema: Any, found: dict[tuple[str, int], tuple[str, str]]) -> None:
        """Add the texts of all that `schema` refers to, in the order in which they can be read."""
        for reference in schema.references or ():
            if not isinstance(reference.subject, str) or not isinstance(reference.version, int):
                raise BadMessage("schema", "it refers to a schema without a subject or a version")
            key = (reference.subject, reference.version)
            if key in found:
                continue
            if len(found) + 1 > REFERENCES_MAX:
                raise BadMessage("schema", f"it refers to more than {REFERENCES_MAX} schemas")
            named = self._version(*key)
            found[key] = ("", "")  # ends a cycle
            self._refer(named, found)
            del found[key]
            found[key] = (str(reference.name), _text(named))

    def _version(self, subject: str, version: int) -> Any:
        return self._ask(
            lambda: self._client.get_version(subject, version).schema, f"version {version} of {subject[:60]}"
        )

    def _ask(self, call: Callable[[], Any], what: str) -> Any:
        """What the client returns. Its own cache is emptied: it has no bound."""
        try:
            return call()
        except SchemaRegistryError as exc:
            raise _translated(exc, what) from exc
        except _TooLarge as exc:
            raise BadMessage(
                "schema", f"{what}: the registry's answer is larger than {ANSWER_MAX_BYTES} bytes"
            ) from exc
        except httpx2.HTTPError as exc:
            raise RegistryUnavailable(f"the schema registry doesn't answer: {str(exc) or type(exc).__name__}") from exc
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as exc:
            raise BadMessage("schema", f"{what}: the registry answers with what is no schema") from exc
        finally:
            self._client.clear_caches()  # type: ignore[no-untyped-call]


def _text(schema: Any) -> str:
    text = schema.schema_str
    if not isinstance(text, str):
        raise BadMessage("schema", "the registry's answer has no schema in it")
    size_bytes = len(text.encode("utf-8", "surrogatepass"))
    if size_bytes > SCHEMA_MAX_BYTES:
        raise BadMessage("schema", f"its schema has {size_bytes} bytes; at most {SCHEMA_MAX_BYTES} are read")
    return text


def _translated(exc: SchemaRegistryError, what: str) -> BadMessage | RegistryUnavailable | SetupError:
    status = exc.http_status_code
    answer = f"{status}: {' '.join(str(exc.error_message).split())[:200]}"
    if status == 404 and exc.error_code in _UNKNOWN:
        return BadMessage("schema", f"the registry has no {what}")
    if status >= 500 or status in _BUSY:
        return RegistryUnavailable(f"the schema registry answers {answer}")
    if status in (401, 403):
        return SetupError(f"the schema registry refuses access; look at {URL_SETTING}: {answer}")
    if status == 404 or status < 400:
        return SetupError(f"there is no schema registry at the address in {URL_SETTING}: it answers {answer}")
    return BadMessage("schema", f"{what}: the registry answers {answer}")


class _TooLarge(Exception):
    """An answer has more than ANSWER_MAX_BYTES."""


class _Bounded(httpx2.SyncByteStream):
    """The body of an answer, up to ANSWER_MAX_BYTES and ANSWER_TIMEOUT_S."""

    def __init__(self, stream: httpx2.SyncByteStream) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        left, until_s = ANSWER_MAX_BYTES, time.monotonic() + ANSWER_TIMEOUT_S
        for part in self._stream:
            left -= len(part)
            if left < 0:
                raise _TooLarge
            if time.monotonic() > until_s:
                raise httpx2.ReadTimeout(f"an answer takes more than {ANSWER_TIMEOUT_S:.0f} s")
            yield part

    def close(self) -> None:
        self._stream.close()


def _bound(response: httpx2.Response) -> None:
    if "Content-Encoding" in response.headers:
        raise httpx2.DecodingError("an answer in an encoding that wasn't asked for")
    if isinstance(response.stream, httpx2.SyncByteStream):
        response.stream = _Bounded(response.stream)
