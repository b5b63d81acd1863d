"""Parquet files by pyarrow, which is optional: the extra `parquet`."""

from __future__ import annotations

from typing import Any

from relearn.schemas.errors import SetupError


def pyarrow() -> Any:
    """The package, with `pyarrow.parquet`.

    Raises:
        SetupError: it isn't installed; the message has the command that installs it.
    """
    try:
        import pyarrow as found  # noqa: PLC0415 - optional, and takes 0.2 s
        import pyarrow.parquet  # noqa: PLC0415
    except ImportError as exc:
        raise SetupError("Parquet files need pyarrow: pip install 'relearn[parquet]'") from exc
    return found
