"""TODO stats."""

from __future__ import annotations

from api.call import Handlers

HANDLERS: Handlers = {}
