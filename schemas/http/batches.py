"""TODO batches."""

from __future__ import annotations

from schemas.http.operation import Operation

OPERATIONS: tuple[Operation, ...] = ()
