"""Limits of a connection and of a request: sizes, times, and what is logged of malformed requests."""

from __future__ import annotations

import logging
from typing import Any

from aiohttp.http_exceptions import HttpProcessingError

from relearn.agents.stores.postgres import Timeouts

#: For aiohttp's connections. Longer lines and headers are answered with 400. A connection without a complete request
#: head is closed after the keep-alive time (above the 60 s of usual proxies, so that the proxy closes first).
#: Bodies are decompressed when they are read (`api.http.unpacking`): rejected ones are discarded as they came.
CONNECTION: dict[str, Any] = {
    "max_line_size": 8190,
    "max_field_size": 8190,
    "max_headers": 64,
    "keepalive_timeout": 75.0,
    "lingering_time": 5.0,
    "auto_decompress": False,
    "access_log": None,
}
#: Time for a request body to arrive, and for the next piece of it.
BODY_TIMEOUT_S = 60.0
BODY_STALL_S = 10.0
#: Postgres counts as unavailable after these times. Cancelling a command may take as long again.
REQUEST_TIMEOUTS = Timeouts(connect_s=2.0, command_s=5.0, acquire_s=2.0)


class MalformedRequestFilter(logging.Filter):
    """Drops what aiohttp logs of requests that aren't HTTP: any client could fill the log with them."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        return not isinstance(error, HttpProcessingError)
