"""What a registry answers is distinguished: the schema's fault, a server that is away, a wrong address."""

from __future__ import annotations

import gzip
import http.server
import json
import threading
from collections.abc import Callable, Iterator

import pytest

from relearn.agents.foreign import registry
from relearn.agents.foreign.registry import Registry
from relearn.schemas.errors import BadMessage, RegistryUnavailable, SetupError
from relearn.schemas.settings import Settings

Answer = tuple[int, bytes, dict[str, str]]


class Rubbish(http.server.ThreadingHTTPServer):
    """An HTTP server that answers each request with `answer(path)`."""

    answer: Callable[[str], Answer]

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[str] = []

    @property
    def settings(self) -> Settings:
        return Settings(schema_registry_url=f"http://127.0.0.1:{self.server_port}")


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Rubbish

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        status, body, headers = self.server.answer(self.path)
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(body)
        except ConnectionError:
            self.close_connection = True  # the client has read enough

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def server() -> Iterator[Rubbish]:
    found = Rubbish()
    thread = threading.Thread(target=found.serve_forever, args=(0.01,))
    thread.start()
    yield found
    found.shutdown()
    thread.join()
    found.server_close()


def ok(body: object) -> Answer:
    return 200, json.dumps(body).encode(), {}


AVRO = '{"type": "record", "name": "A", "fields": []}'
ANSWERS: dict[str, tuple[Answer, type[Exception], str]] = {
    "unknown": ((404, b'{"error_code": 40403, "message": "none"}', {}), BadMessage, "the registry has no schema 7"),
    "another page": ((404, b"<html>", {}), SetupError, "there is no schema registry at the address in"),
    "a redirect": ((302, b"", {"Location": "/login"}), SetupError, "there is no schema registry at the address in"),
    "no permission": ((403, b'{"message": "no"}', {}), SetupError, "refuses access"),
    "an error": ((500, b"boom", {}), RegistryUnavailable, "answers 500"),
    "busy": ((429, b"{}", {}), RegistryUnavailable, "answers 429"),
    "a strange error": ((422, b'{"error_code": 1, "message": "strange"}', {}), BadMessage, "answers 422: strange"),
    "rubbish": ((200, b"\xff\xfe<html>", {}), BadMessage, "answers with what is no schema"),
    "nothing": ((200, b"", {}), BadMessage, "answers with what is no schema"),
    "a list": (ok([1]), BadMessage, "answers with what is no schema"),
    "no schema": (ok({"id": 1}), BadMessage, "has no schema in it"),
    "a number": (ok({"schema": 7}), BadMessage, "has no schema in it"),
    "deep": ((200, b"[" * 100_000, {}), BadMessage, "answers with what is no schema"),
    "1 MB": (ok({"schema": " " * 1_000_000}), BadMessage, "its schema has 1000000 bytes; at most 524288 are read"),
    "an endless answer": ((200, b" " * 3_000_000, {}), BadMessage, "larger than 2097152 bytes"),
    "a packed answer": (
        (200, gzip.compress(b" " * 3_000_000), {"Content-Encoding": "gzip"}),
        RegistryUnavailable,
        "encoding",
    ),
    "half an answer": (
        (200, b"{", {"Content-Length": "100", "Connection": "close"}),
        RegistryUnavailable,
        "doesn't answer",
    ),
    "a reference to nothing": (
        ok({"schema": AVRO, "references": [{"name": "x"}]}),
        BadMessage,
        "refers to a schema without a subject",
    ),
}


@pytest.mark.parametrize(("answer", "error", "text"), ANSWERS.values(), ids=ANSWERS)
def test_every_answer_that_is_no_schema_is_told_apart(
    server: Rubbish, answer: Answer, error: type[Exception], text: str
) -> None:
    server.answer = lambda path: answer
    client = Registry(server.settings)
    with pytest.raises(error, match=text):
        client.fetch(7)
    client.close()


def test_a_slow_answer_is_given_up(server: Rubbish, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "ANSWER_TIMEOUT_S", -1.0)
    server.answer = lambda path: ok({"schema": AVRO})
    client = Registry(server.settings)
    with pytest.raises(RegistryUnavailable, match="takes more than"):
        client.fetch(7)
    client.close()


def test_references_come_before_what_names_them_and_in_any_number_once(server: Rubbish) -> None:
    """Two schemas that refer to each other end as well."""
    schemas = {
        "/schemas/ids/7": ("seven", [("b", 1), ("a", 1)]),
        "/subjects/a/versions/1": ("a", []),
        "/subjects/b/versions/1": ("b", [("a", 1), ("c", 2)]),
        "/subjects/c/versions/2": ("c", [("b", 1)]),
    }

    def answer(path: str) -> Answer:
        text, references = schemas[path.partition("?")[0]]
        named = [{"name": subject, "subject": subject, "version": version} for subject, version in references]
        return ok({"schema": text, "references": named, "id": 1, "subject": "s", "version": 1})

    server.answer = answer
    client = Registry(server.settings)
    found = client.fetch(7)
    assert (found.kind, found.text, found.references) == ("AVRO", "seven", (("a", "a"), ("c", "c"), ("b", "b")))
    assert len(server.asked) == 4
    client.close()


def test_a_schema_that_refers_to_too_many_is_refused(server: Rubbish) -> None:
    def answer(path: str) -> Answer:
        number = int(path.partition("?")[0].rpartition("/")[2])
        named = [{"name": "n", "subject": "s", "version": number + 1}]
        return ok({"schema": AVRO, "references": named, "id": 1, "subject": "s", "version": number})

    server.answer = answer
    client = Registry(server.settings)
    with pytest.raises(BadMessage, match="refers to more than 32 schemas"):
        client.fetch(7)
    client.close()
