"""Requests of all kinds in turn: reads, writes, scoring in each form, and rejected ones."""

from __future__ import annotations

import asyncio
import gzip
import re
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from relearn.agents.stores.postgres import Pool
from tests.support.api.filled import register, store
from tests.support.data.blocks import block_of
from tests.support.data.models import a_model

#: Features of each record.
D = 4
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_INFER = "/v2/models/svm/infer"
_HEADER_LENGTH = "Inference-Header-Content-Length"


@dataclass(frozen=True, slots=True)
class Request:
    """A whole HTTP/1.1 request, and the status of its answer."""

    raw: bytes
    status: int

    @classmethod
    def of(cls, status: int, method: str, path: str, body: bytes = b"", **headers: str) -> Request:
        """`headers`: with `_` for `-`; a body is JSON unless they name another type."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if body:
            given = {"Content-Type": "application/json", **given, "Content-Length": str(len(body))}
        head = "".join(f"{name}: {value}\r\n" for name, value in {"Host": "127.0.0.1", **given}.items())
        return cls(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body, status)


async def fill(pool: Pool) -> None:
    """Store what the requests read."""
    await register(pool, a_model(1, d=D))
    await store(pool, block_of(200, d=D))


def requests() -> list[Request]:
    """One request of each kind, with records of D features."""
    rows = np.random.default_rng(1).normal(size=(100, D))
    one, many = _json({"features": rows[:1].tolist()}), _json({"features": rows.tolist()})
    tensor = {"name": "features", "shape": [100, D], "datatype": "FP64"}
    head = _json(
        {
            "inputs": [{**tensor, "parameters": {"binary_data_size": rows.nbytes}}],
            "parameters": {"binary_data_output": True},
        }
    )
    binary = {"Content_Type": "application/octet-stream", _HEADER_LENGTH: str(len(head))}
    return [
        Request.of(200, "GET", "/v1/predictions/0-0-0"),
        Request.of(200, "GET", "/v1/predictions?limit=100"),
        Request.of(202, "POST", "/v1/batches", one),
        Request.of(202, "POST", "/v1/batches", many),
        Request.of(202, "POST", "/v1/batches", gzip.compress(many), Content_Encoding="gzip"),
        Request.of(200, "POST", "/v1/predict", one),
        Request.of(200, "POST", "/v1/predict", many),
        Request.of(200, "POST", "/v1/predict", gzip.compress(many), Content_Encoding="gzip"),
        Request.of(200, "POST", _INFER, _json({"inputs": [{**tensor, "data": rows.ravel().tolist()}]})),
        Request.of(200, "POST", _INFER, head + rows.astype("<f8").tobytes(), **binary),
        Request.of(404, "GET", "/v1/predictions/9-9-9"),
        Request.of(422, "POST", "/v1/predict", _json({"features": rows[:, 1:].tolist()})),
    ]


async def ask(port: int, count: int, *, connections: int = 8) -> None:
    """Send requests of all kinds in turn over kept-alive connections, and check each status."""
    asked, left = requests(), iter(range(count))

    async def over_one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in left:
            request = asked[number % len(asked)]
            writer.write(request.raw)
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            assert length is not None, head
            body = await reader.readexactly(int(length[1]))
            assert head.startswith(f"HTTP/1.1 {request.status} ".encode()), (request.raw[:80], head, body[:300])
        writer.close()
        await writer.wait_closed()

    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(over_one())


def _json(value: Any) -> bytes:
    return msgspec.json.encode(value)
