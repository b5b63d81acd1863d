"""Hostile messages, and the outcome that each must have: a dead letter for exactly the records at fault."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import msgpack
import numpy as np

from relearn.schemas.messages.ingest import encode_records
from relearn.schemas.topics import TopicName
from relearn.scripts.dev.bench.faults.ledger import FEATURES, Special

Make = Callable[[np.random.Generator, str], Special]
_MB = 1024 * 1024


def _whole(kind: str, value: bytes | None, *reasons: str, topic: TopicName = "ingest") -> Special:
    """A message that is refused as a whole."""
    return Special(kind, topic, value, refused={0: frozenset(reasons)})


def _packed(kind: str, message: Any, *reasons: str, topic: TopicName = "ingest") -> Special:
    return _whole(kind, msgpack.packb(message), *reasons, topic=topic)


def _row(rng: np.random.Generator) -> list[float]:
    return [float(x) for x in rng.normal(size=FEATURES)]


def _mixed(rng: np.random.Generator, name: str) -> Special:
    """Good and bad rows in one message: the good ones become rows."""
    n = int(rng.integers(2, 40))
    rows: list[list[Any]] = [_row(rng) for _ in range(n)]
    ids: list[Any] = [f"{name}-{i}" for i in range(n)]
    refused: dict[int, frozenset[str]] = {}
    spoil: Sequence[tuple[str, Callable[[int], None]]] = (
        ("dimension", lambda i: rows[i].pop()),
        ("not-finite", lambda i: rows[i].__setitem__(0, float("nan"))),
        ("invalid", lambda i: rows[i].__setitem__(1, "one")),
        ("text", lambda i: ids.__setitem__(i, "x" * 300)),
    )
    for index in sorted(int(i) for i in rng.choice(n, size=max(1, n // 4), replace=False)):
        reason, change = spoil[int(rng.integers(len(spoil)))]
        change(index)
        refused[index] = frozenset({reason})
    rows_kept = {i: ids[i] for i in range(n) if i not in refused}
    value = msgpack.packb({"n": n, "features": rows, "ids": ids})
    return Special("good and bad rows in one message", "ingest", value, rows_kept, refused)


def _many_good(rng: np.random.Generator, name: str) -> Special:
    n = int(rng.integers(1, 200))
    ids = [f"{name}-{i}" for i in range(n)]
    value = encode_records(rng.normal(size=(n, FEATURES)), ids=ids)
    return Special("many good rows", "ingest", value, dict(enumerate(ids)))


def _all_bad(rng: np.random.Generator, name: str) -> Special:
    n = int(rng.integers(2, 30))
    value = msgpack.packb({"n": n, "features": [[1.0]] * n})
    refused = {i: frozenset({"dimension"}) for i in range(n)}
    return Special("a message of bad rows only", "ingest", value, {}, refused)


def _large_number(rng: np.random.Generator, name: str) -> Special:
    """Finite, and too large for a training: the record is scored, or refused at the door."""
    value = msgpack.packb({"features": [float(rng.choice([1e200, -1e308, 5e-324])), 1.0, 1.0, 1.0], "id": name})
    return Special("a very large number", "ingest", value, either={0: name})


def _with_headers(rng: np.random.Generator, name: str) -> Special:
    """A bad record with a long key and with headers that imitate ours."""
    headers = [("reason", b"\xff" * 50), ("index", b"1,2,3"), ("ce_time", b"never"), ("h" * 5_000, rng.bytes(30_000))]
    refused = {0: frozenset({"dimension"})}
    value = msgpack.packb({"features": [1.0]})
    return Special("strange headers", "ingest", value, refused=refused, key=rng.bytes(20_000), headers=headers)


def _tombstone(rng: np.random.Generator, name: str) -> Special:
    """A message without a value: skipped and counted, or refused."""
    return Special("a tombstone", "ingest", None, either={0: ""}, maybe=True, key=name.encode())


def _letter(rng: np.random.Generator, name: str) -> Special:
    """A message on `dead-letters` that is no dead letter becomes one itself."""
    return _whole("no dead letter", rng.bytes(int(rng.integers(2, 300))), topic="dead-letters")


def many_days(rng: np.random.Generator, name: str) -> Special:
    """A block whose records were ingested on 12,000 different days, under a generation that there is not."""
    n = 12_000
    message = {
        "v": 1, "generation": 7, "partition": 0, "offsets": np.arange(n, dtype="<i8").tobytes(),
        "indexes": np.zeros(n, "<i4").tobytes(), "ingested_at": (np.arange(n, dtype="<f8") * 86_400).tobytes(),
        "ids": [None] * n, "subjects": [None] * n, "batches": [None] * n, "contexts": [None] * n,
        "features": np.zeros((n, FEATURES), "<f8").tobytes(), "classes": ["0", "1"],
        "labels": np.zeros(n, "<i2").tobytes(), "margins": np.zeros(n, "<f8").tobytes(),
        "confidence": np.zeros(n, "<f4").tobytes(), "model": 1, "activation": 1, "scored_at": 1.79e9,
    }  # fmt: skip
    return _packed("12,000 days in a block", message, topic="predictions")


def _named(names: Sequence[Any], n: int = 1) -> dict[str, Any]:
    return {"n": n, "features": [[0.0] * len(names)] * n, "names": list(names)}


def _nested(depth: int) -> bytes:
    return b"\x81\xa8features" + b"\x91" * depth + b"\x00"


#: Refused messages of `ingest`, by what is wrong.
INGEST: dict[str, Make] = {
    "random bytes": lambda rng, name: _whole("random bytes", rng.bytes(int(rng.integers(2, 300)))),
    "no bytes": lambda rng, name: _whole("no bytes", b""),
    "cut short": lambda rng, name: _whole(
        "cut short", encode_records(rng.normal(size=(3, FEATURES)))[: int(rng.integers(2, 90))]
    ),
    "no features": lambda rng, name: _packed("no features", {"id": name}, "invalid"),
    "a list": lambda rng, name: _packed("a list", [1, 2, 3], "invalid"),
    "too few": lambda rng, name: _packed("too few", {"features": [1.0]}, "dimension"),
    "too many": lambda rng, name: _packed("too many", {"features": [1.0] * 9_000}, "dimension"),
    "packed, not a row": lambda rng, name: _packed("packed, not a row", {"features": b"\0" * 7}, "dimension"),
    "not a number": lambda rng, name: _packed(
        "not a number", {"features": np.array([np.nan] + [1.0] * (FEATURES - 1)).tobytes()}, "not-finite"
    ),
    "infinite": lambda rng, name: _packed(
        "infinite", {"features": [float("inf")] + [1.0] * (FEATURES - 1)}, "not-finite"
    ),
    "integer beyond float64": lambda rng, name: _whole(
        "integer beyond float64", json.dumps({"features": [10**400, 1, 1, 1]}).encode()
    ),
    "unknown name": lambda rng, name: _packed("unknown name", {"features": {"x1": 1.0, "colour": 2.0}}, "names"),
    "names twice": lambda rng, name: _packed("names twice", _named(["x1"] * FEATURES), "names"),
    "100,000 names": lambda rng, name: _packed(
        "100,000 names", {"n": 1, "features": [[0.0]], "names": [f"n{i % 50_000}" for i in range(100_000)]}
    ),
    "100,000 known names": lambda rng, name: _packed(
        "100,000 known names", {"n": 1, "features": [[0.0]], "names": ["x1", "x2", "x3", "x4"] * 25_000}
    ),
    "a long id": lambda rng, name: _packed("a long id", {"features": _row(rng), "id": "x" * 10_000}, "text"),
    "NUL in an id": lambda rng, name: _packed("NUL in an id", {"features": _row(rng), "id": "a\0b"}, "text"),
    "an id that is no UTF-8": lambda rng, name: _whole(
        "an id that is no UTF-8",
        msgpack.packb({"features": _row(rng), "id": "?" * 4}).replace(b"????", b"\xff\xfe\xff\xfe"),
        "text",
        "unreadable",
    ),
    "nested": lambda rng, name: _whole("nested", _nested(int(rng.integers(600, 200_000)))),
    "nested JSON": lambda rng, name: _whole("nested JSON", b'{"features": ' + b"[" * 100_000),
    "n is 0": lambda rng, name: _packed("n is 0", {"n": 0, "features": []}, "empty"),
    "n is negative": lambda rng, name: _packed("n is negative", {"n": -1, "features": []}, "invalid"),
    "n is huge": lambda rng, name: _packed("n is huge", {"n": 2**62, "features": b""}),
    "n is wrong": lambda rng, name: _packed("n is wrong", {"n": 3, "features": [_row(rng)]}, "length", "dimension"),
    "a large integer length": lambda rng, name: _whole("a large integer length", b"\xdf\xff\xff\xff\xff"),
    "1 MB of zeros": lambda rng, name: _whole("1 MB of zeros", bytes(_MB)),
    "a very large number": _large_number,
    "strange headers": _with_headers,
    "a tombstone": _tombstone,
    "good and bad rows": _mixed,
    "many good rows": _many_good,
    "bad rows only": _all_bad,
}
#: Rare, since each is megabytes when unpacked. Sent compressed, by any codec of Kafka.
LARGE: dict[str, Make] = {
    "12 MB of zeros": lambda rng, name: _whole("12 MB of zeros", bytes(12 * _MB)),
    "12 MB of zeros on feedback": lambda rng, name: _whole(
        "12 MB of zeros on feedback", bytes(12 * _MB), topic="feedback"
    ),
    "7 MB of names": lambda rng, name: _packed(
        "7 MB of names", {"n": 1, "features": [[0.0]], "names": ["x1"] * 2_300_000}
    ),
}
#: On the topics of other roles.
OTHERS: dict[str, Make] = {
    "feedback: random bytes": lambda rng, name: _whole(
        "feedback: random bytes", rng.bytes(int(rng.integers(2, 300))), topic="feedback"
    ),
    "feedback: no prediction": lambda rng, name: _packed(
        "feedback: no prediction", {"id": name, "label": "1"}, topic="feedback"
    ),
    "feedback: a strange prediction": lambda rng, name: _packed(
        "feedback: a strange prediction", {"id": name, "prediction": "9-9-9-9-9", "label": "1"}, topic="feedback"
    ),
    "predictions: random bytes": lambda rng, name: _whole(
        "predictions: random bytes", rng.bytes(int(rng.integers(2, 300))), topic="predictions"
    ),
    "no dead letter": _letter,
    "predictions: an empty map": lambda rng, name: _packed("predictions: an empty map", {}, topic="predictions"),
}
COMMANDS: dict[str, Make] = {
    "commands: random bytes": lambda rng, name: _whole(
        "commands: random bytes", rng.bytes(int(rng.integers(2, 300))), topic="commands"
    ),
    "commands: an unknown one": lambda rng, name: _packed(
        "commands: an unknown one", {"id": name, "command": "explode", "reason": {"trigger": "x"}}, topic="commands"
    ),
    "12 MB of zeros on commands": lambda rng, name: _whole(
        "12 MB of zeros on commands", bytes(12 * _MB), topic="commands"
    ),
}
