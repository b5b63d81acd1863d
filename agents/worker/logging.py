"""Logging: structlog, one line of key=value per event on stderr; the libraries' own loggers come out the same way."""

from __future__ import annotations

import logging
import sys

import structlog

_LIBRARIES = ("faust", "mode", "aiokafka", "asyncio", "kafka")


def set_up_logging(level: str, **always: str) -> None:
    """Write events of `level` and above to stderr, each with `always` (role, worker).

    Libraries: warnings, and at level debug what they log as info.
    """
    number = getattr(logging, level.upper())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            *shared,
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"], bool_as_flag=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        # One write per line, as the libraries' handler does: lines of two threads can't mix.
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(**always)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"], bool_as_flag=False),
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in _LIBRARIES:
        # At debug aiokafka writes lines for each fetch, and each response as text, with all records: 8 MiB took 200 MB.
        logging.getLogger(name).setLevel(logging.INFO if level == "debug" else logging.WARNING)
