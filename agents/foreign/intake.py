"""What the score role asks before it decodes a chunk: whether all that its messages need is at hand."""

from __future__ import annotations

from collections.abc import Sequence

from relearn.agents.availability.notices import Notices
from relearn.agents.foreign.mapping_file import read_mapping
from relearn.schemas.errors import SetupError
from relearn.schemas.foreign.mapping import check_features
from relearn.schemas.foreign.reader import ForeignReader
from relearn.schemas.settings import Settings

_CODE = "mapping"
_SHOWN = 5


class Intake:
    """The reader of one worker's messages of other shapes, and its conditions."""

    def __init__(self, settings: Settings, notices: Notices) -> None:
        """Read the mapping.

        Raises:
            SettingsError: its file can't be read, or has faults.
        """
        self._mapping = read_mapping(settings)
        self._notices = notices
        self._checked: Sequence[str] | None = None
        #: None: no setting asks for one.
        self.reader = None if self._mapping is None else ForeignReader(self._mapping, None)

    @property
    def skipped(self) -> int:
        """The number of messages without a record that the reader has passed over: tombstones."""
        return 0 if self.reader is None else self.reader.skipped

    def check(self, feature_names: Sequence[str]) -> None:
        """Compare the mapping with the features of the live model.

        Raises:
            SetupError: the model has a feature without a path.
        """
        if self._mapping is None or self._checked is feature_names:
            return
        missing, unknown = check_features(self._mapping, feature_names)
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


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name)[:60] for name in names[:_SHOWN])
    return shown + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
