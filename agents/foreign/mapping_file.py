"""The mapping that `RELEARN_INGEST_MAPPING` names, read from its file at the start of a worker."""

from __future__ import annotations

from relearn.schemas.errors import SettingsError
from relearn.schemas.foreign.mapping import MessageMapping, parse_mapping
from relearn.schemas.settings import PREFIX, Settings

SETTING = PREFIX + "INGEST_MAPPING"
FILE_MAX_BYTES = 4 * 1024 * 1024


def read_mapping(settings: Settings) -> MessageMapping | None:
    """The mapping; None where none is set.

    Raises:
        SettingsError: the file can't be read, or a line for each fault in it.
    """
    path = settings.ingest_mapping
    if path is None:
        return None
    source = f"{SETTING}={path}"
    try:
        with path.open("rb") as file:
            content = file.read(FILE_MAX_BYTES + 1)
        if len(content) > FILE_MAX_BYTES:
            raise SettingsError(f"{source}: larger than {FILE_MAX_BYTES} bytes")
        text = content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        raise SettingsError(f"{source}: can't be read: {exc}") from exc
    return parse_mapping(text, source)
