"""A fault in the decoder of ingest that no other test has: one value ends the process that decodes it."""

from __future__ import annotations

import os
import signal
from typing import Any

from relearn.schemas.messages import ingest_fast_path
from relearn.schemas.messages.records import UnreadMessage

DEADLY = b"this message ends the process that decodes it"


def break_decoder() -> None:
    """Give this process the fault. What quarantine passes over is left unread, and kills nothing."""
    add = ingest_fast_path._add

    def deadly(builder: Any, message: Any, *how: Any) -> None:
        if message.value == DEADLY and type(message) is not UnreadMessage:
            os.kill(os.getpid(), signal.SIGKILL)
        add(builder, message, *how)

    ingest_fast_path._add = deadly
