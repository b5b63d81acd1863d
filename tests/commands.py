"""The `relearn` command as a person runs it, on a namespace of the tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from schemas.settings import PREFIX, Settings

ROOT = Path(__file__).parents[1]
TIMEOUT_S = 90


def relearn(settings: Settings, *argv: str, **given: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end. `given` are settings by their names without the prefix."""
    found = {
        "NAMESPACE": settings.namespace,
        "DATA_DIR": str(settings.data_dir),
        "KAFKA_BROKERS": ",".join(settings.kafka_brokers),
        "POSTGRES_DSN": settings.postgres_dsn,
        "REDIS_URL": settings.redis_url,
        **given,
    }
    plain = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return subprocess.run(
        [sys.executable, "-m", "scripts", *argv],
        cwd=ROOT,
        env={**plain, **{PREFIX + name: value for name, value in found.items()}},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
