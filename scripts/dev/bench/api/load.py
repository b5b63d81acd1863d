"""Load on one HTTP server: the same request again and again over some connections that stay open; every answer timed.

A client of our own because it has to be cheap: it shares two cores with the server. A request is bytes made beforehand,
and of an answer only the status and the length are read.
"""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass, field
from typing import cast

import numpy as np

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_END = b"\r\n\r\n"
TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent: a whole HTTP/1.1 request."""

    raw: bytes

    @classmethod
    def of(cls, method: str, path: str, body: bytes = b"") -> Request:
        """With a JSON body, if there is one."""
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        if body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        return cls(head.encode() + b"\r\n" + body)


@dataclass(frozen=True, slots=True)
class Answers:
    """How many came, how many a second, and how long they took in ms: half of them at most `p50_ms`, and so on."""

    count: int
    per_s: float
    p50_ms: float
    p99_ms: float


@dataclass(slots=True)
class _Run:
    """One measurement. `pause_s`: between the times when a connection's requests are due; None: one after another."""

    request: Request
    until_s: float
    pause_s: float | None
    took_s: list[float] = field(default_factory=list)
    fault: str = ""


class _Connection(asyncio.Protocol):
    """One connection: sends, waits for the whole answer, sends again."""

    def __init__(self, run: _Run, done: asyncio.Future[None]) -> None:
        self._run = run
        self._done = done
        self._buffer = b""
        self._wanted = 0
        self._due_s = time.perf_counter()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass of it
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._wanted:
            end = self._buffer.find(_END)
            if end < 0:
                return
            length = _LENGTH.search(self._buffer, 0, end)
            if not self._buffer.startswith(b"HTTP/1.1 2") or length is None:
                self._finish(self._buffer[:300].decode("utf-8", "replace"))
                return
            self._wanted = end + len(_END) + int(length[1])
        if len(self._buffer) >= self._wanted:
            now_s = time.perf_counter()
            self._run.took_s.append(now_s - self._due_s)
            self._buffer, self._wanted = b"", 0
            self._next(now_s)

    def connection_lost(self, exc: Exception | None) -> None:
        self._finish(f"the server closed the connection: {exc}")

    def _next(self, now_s: float) -> None:
        pause_s = self._run.pause_s
        # From when it was due: a server that holds up one request holds up those behind it.
        self._due_s = now_s if pause_s is None else self._due_s + pause_s
        if now_s >= self._run.until_s:
            self._finish("")
        elif self._due_s <= now_s:
            self._send()
        else:
            asyncio.get_running_loop().call_later(self._due_s - now_s, self._send)

    def _send(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(self._run.request.raw)

    def _finish(self, fault: str) -> None:
        if not self._done.done():
            self._run.fault = self._run.fault or fault
            self._done.set_result(None)
        self._transport.close()


async def load(port: int, request: Request, *, connections: int, seconds: float, per_s: float | None = None) -> Answers:
    """The answers of a server on loopback. `per_s`: requests per second; None: as many as the server answers.

    Raises:
        RuntimeError: an answer had a status other than 2xx, or none came.
    """
    loop = asyncio.get_running_loop()
    begin_s = time.perf_counter()
    run = _Run(request, begin_s + seconds, None if per_s is None else connections / per_s)
    ends: list[asyncio.Future[None]] = []
    for _ in range(connections):
        done = loop.create_future()
        await loop.create_connection(lambda done=done: _Connection(run, done), "127.0.0.1", port)  # type: ignore[misc]
        ends.append(done)
        if run.pause_s is not None:
            await asyncio.sleep(run.pause_s / connections)
    await asyncio.wait_for(asyncio.gather(*ends), seconds + TIMEOUT_S)
    if run.fault or not run.took_s:
        raise RuntimeError(f"no good answer to {request.raw[:60]!r}: {run.fault}")
    took_ms = 1000 * np.array(run.took_s)
    p50, p99 = np.percentile(took_ms, [50, 99])
    return Answers(len(took_ms), len(took_ms) / (time.perf_counter() - begin_s), float(p50), float(p99))
