"""What the score role asks before it decodes a chunk: whether all that its messages need is at hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from typing import TYPE_CHECKING

from relearn.agents.availability.notices import Notices
from relearn.agents.availability.retry import Retry
from relearn.agents.foreign.mapping_file import read_mapping
from relearn.schemas.errors import SettingsError, SetupError
from relearn.schemas.foreign.frame import schema_id_of
from relearn.schemas.foreign.mapping import check_features
from relearn.schemas.foreign.reader import ForeignReader
from relearn.schemas.messages.records import RawMessage, UnreadMessage
from relearn.schemas.settings import Settings
from relearn.schemas.text import first_few

if TYPE_CHECKING:
    from relearn.agents.foreign.codecs import Codecs

_CODE = "mapping"
#: Distinct schemas of the messages that are decoded together: all of their codecs are at hand.
TOGETHER_MAX = 128


class Intake:
    """The reader of one worker's messages of other shapes, and its conditions."""

    def __init__(self, settings: Settings, notices: Notices, retry: Retry) -> None:
        """Read the mapping. Nothing is connected.

        Raises:
            SettingsError: its file can't be read, or has faults; or packages for a registry are missing.
        """
        self._mapping = read_mapping(settings)
        self._codecs = _codecs(settings, retry) if settings.schema_registry_url else None
        self._notices = notices
        self._checked: Sequence[str] | None = None
        codec_of = self._codecs.of if self._codecs is not None else None
        #: None: no setting asks for one.
        self.reader = ForeignReader(self._mapping, codec_of) if self._mapping or codec_of else None

    @property
    def skipped(self) -> int:
        """The number of messages without a record that the reader has passed over: tombstones."""
        return 0 if self.reader is None else self.reader.skipped

    async def parts(self, messages: Sequence[RawMessage]) -> AsyncIterator[Sequence[RawMessage]]:
        """The messages in parts, in order; the codecs of a part are at hand until the next one is asked for.

        Waits while the registry is away.

        Raises:
            Stopping: the worker is asked to stop meanwhile.
        """
        if self._codecs is None:
            yield messages
            return
        start, wanted = 0, dict[int, None]()
        for position, message in enumerate(messages):
            schema_id = None if type(message) is UnreadMessage else schema_id_of(message.value)
            if schema_id is None or schema_id in wanted:
                continue
            if len(wanted) == TOGETHER_MAX:
                await self._codecs.prepare(wanted)
                yield messages[start:position]
                start, wanted = position, {}
            wanted[schema_id] = None
        await self._codecs.prepare(wanted)
        yield messages[start:]

    def check(self, feature_names: Sequence[str], optional: Collection[str] = ()) -> None:
        """Compare the mapping with the features of records. optional: those that have a default.

        Raises:
            SetupError: the model has a feature without a path.
        """
        if self._mapping is None or self._checked is feature_names:
            return
        lacking, unknown = check_features(self._mapping, feature_names)
        missing = [name for name in lacking if name not in optional]
        source = self._mapping.source
        extra = f"no feature of the model: {_listed(unknown)} in {source}"
        if missing:
            more = f"; {extra}" if unknown else ""
            raise SetupError(f"no path for the model's {_listed(missing)} in {source}; mend it and restart{more}")
        if unknown:
            self._notices.set(_CODE, f"{extra}; ignored")
        else:
            self._notices.clear(_CODE)
        self._checked = feature_names


def _codecs(settings: Settings, retry: Retry) -> Codecs:
    try:
        from relearn.agents.foreign.codecs import Codecs  # noqa: PLC0415 - optional packages
        from relearn.agents.foreign.registry import Registry  # noqa: PLC0415
    except ImportError as exc:
        raise SettingsError(
            f"RELEARN_SCHEMA_REGISTRY_URL: {exc.name} is missing: pip install 'relearn[registry]'"
        ) from exc
    return Codecs(lambda: Registry(settings), retry)


def _listed(names: Sequence[str]) -> str:
    return first_few(names, 5, lambda name: repr(name)[:60])
