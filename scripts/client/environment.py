"""Where a command's settings come from: the environment, over what `relearn up` left in the data directory.

`up` may have had to take other ports than the usual ones; it writes its choice to `servers.json`, so that commands in
other terminals find the servers without being told.
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
    """What `relearn up` chose, as `RELEARN_…` names; empty where it never ran."""
    path = data_dir / SERVERS_FILE
    try:
        found = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except ValueError as exc:
        raise SettingsError(f"{path} can't be read ({exc}); delete it and start `relearn up` again") from exc
    return {str(name): str(value) for name, value in found.items()}


def write_servers(data_dir: Path, chosen: Mapping[str, str]) -> None:
    """Leave `up`'s choice where other commands find it; whole or not at all."""
    path = data_dir / SERVERS_FILE
    scratch = path.with_suffix(".new")
    scratch.write_text(json.dumps(dict(chosen), indent=2) + "\n")
    scratch.chmod(0o600)
    scratch.replace(path)
