"""A command's settings: environment variables, then the file that `relearn up` writes to the data directory.

`up` chooses ports and passwords; it writes the addresses with their passwords to `servers.json`, which only its owner
may read, so that commands in other terminals find the servers.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from relearn.schemas.errors import SettingsError
from relearn.schemas.settings import PREFIX, Settings, read_settings
from relearn.scripts.client.private_files import untrusted, write_private

SERVERS_FILE = "servers.json"
_DSN = PREFIX + "POSTGRES_DSN"


def load_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of this process.

    Raises:
        SettingsError: naming every value that can't be used.
    """
    data_dir = Path(environment.get(PREFIX + "DATA_DIR") or ".relearn")
    given = {name: value for name, value in environment.items() if value != ""}
    chosen = read_servers(data_dir)
    if given.get(_DSN, chosen.get(_DSN)) != chosen.get(_DSN):
        chosen.pop(PREFIX + "POSTGRES_OWNER_DSN", None)  # of another server
    return read_settings({**chosen, **given})


def read_servers(data_dir: Path) -> dict[str, str]:
    """The addresses that `relearn up` chose, as `RELEARN_…` names; empty if it never ran here.

    Raises:
        SettingsError: the file can't be read, or isn't to be trusted.
    """
    path = data_dir / SERVERS_FILE
    try:
        if reason := untrusted(path):
            raise SettingsError(f"{path} isn't read, because {reason}; set RELEARN_DATA_DIR to a directory of your own")
        found: dict[str, object] = dict(json.loads(path.read_text()))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except PermissionError as exc:
        raise SettingsError(
            f"{path} can't be read by this user: run the command as the user of `relearn up`, or set RELEARN_DATA_DIR"
        ) from exc
    except (TypeError, ValueError) as exc:
        raise SettingsError(f"{path} can't be read ({exc}); delete it and start `relearn up` again") from exc
    return {str(name): str(value) for name, value in found.items()}


def write_servers(data_dir: Path, chosen: Mapping[str, str]) -> None:
    """Write the addresses for other commands, atomically."""
    write_private(data_dir / SERVERS_FILE, json.dumps(dict(chosen), indent=2) + "\n")
