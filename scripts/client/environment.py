"""A command's settings: environment variables, then the file that `relearn up` writes to the data directory.

`up` may use other ports than the default ones; it writes them to `servers.json`, so that commands in other terminals
find the servers.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from relearn.schemas.errors import SettingsError
from relearn.schemas.settings import PREFIX, Settings, read_settings

SERVERS_FILE = "servers.json"


def load_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of this process.

    Raises:
        SettingsError: naming every value that can't be used.
    """
    data_dir = Path(environment.get(PREFIX + "DATA_DIR") or ".relearn")
    return read_settings({**read_servers(data_dir), **{k: v for k, v in environment.items() if v != ""}})


def read_servers(data_dir: Path) -> dict[str, str]:
    """The addresses that `relearn up` chose, as `RELEARN_…` names; empty if it never ran here."""
    path = data_dir / SERVERS_FILE
    try:
        found = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except ValueError as exc:
        raise SettingsError(f"{path} can't be read ({exc}); delete it and start `relearn up` again") from exc
    return {str(name): str(value) for name, value in found.items()}


def write_servers(data_dir: Path, chosen: Mapping[str, str]) -> None:
    """Write the addresses for other commands, atomically."""
    path = data_dir / SERVERS_FILE
    scratch = path.with_suffix(".new")
    scratch.write_text(json.dumps(dict(chosen), indent=2) + "\n")
    scratch.chmod(0o600)
    scratch.replace(path)
