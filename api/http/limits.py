"""How much a connection may ask of us before its first request is even read, and how long it may take."""

from __future__ import annotations

import logging
from typing import Any

from aiohttp.http_exceptions import HttpProcessingError

from relearn.agents.stores.postgres import Patience

#: For aiohttp's connections. Longer lines and headers are answered 400; one that sends no whole head, or nothing more,
#: is closed after the keep-alive time (above the 60 s of the usual proxies, so that they close first).
#: Nothing is unpacked before it is read (`api.http.unpacking`): what was refused unread is thrown away as it came.
CONNECTION: dict[str, Any] = {
    "max_line_size": 8190,
    "max_field_size": 8190,
    "max_headers": 64,
    "keepalive_timeout": 75.0,
    "lingering_time": 5.0,
    "auto_decompress": False,
    "access_log": None,
}
#: So long a body may take to arrive.
BODY_WITHIN_S = 60.0
#: Postgres is away if it takes longer. Whoever has waited for a command waits as long for its end: twice that at most.
OF_A_REQUEST = Patience(connect_s=2.0, command_s=5.0, free_s=2.0)


class NotOurFault(logging.Filter):
    """Drops what aiohttp logs of requests that aren't HTTP: anybody could fill our log with them."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        return not isinstance(error, HttpProcessingError)
