"""Others that predict over HTTP, each in an environment of its own, installed once under the user's cache directory."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import venv
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from relearn.schemas.model.linear_svm import Model
from relearn.scripts.dev.bench.api_process import ended, until_answering

HERE = Path(__file__).parent
PACKAGES = {"fastapi": ("fastapi", "uvicorn[standard]", "numpy"), "mlserver": ("mlserver", "mlserver-sklearn")}


async def installed(name: str) -> Path:
    """The directory of its programs; made on first use, which takes a minute and the package index."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "relearn" / f"bench-{name}"
    programs = home / "bin"
    if not (home / ".installed").exists():
        await asyncio.to_thread(venv.create, home, clear=True, with_pip=True)
        await _finished(str(programs / "python"), "-m", "pip", "install", "--quiet", *PACKAGES[name])
        (home / ".installed").touch()
    return programs


@asynccontextmanager
async def fastapi(directory: Path, port: int, model: Model) -> AsyncIterator[None]:
    """FastAPI on uvicorn while the block runs; POST /predict."""
    programs = await installed("fastapi")
    numbers = directory / "model.json"
    fields = {"weights": model.weights.tolist(), "bias": model.bias.tolist(), "classes": model.classes}
    numbers.write_text(json.dumps(fields))
    argv = (str(programs / "uvicorn"), "--app-dir", str(HERE), "fastapi_app:app", "--port", str(port))
    quiet = ("--no-access-log", "--log-level", "warning")
    async with _running(*argv, *quiet, environment={"MODEL": str(numbers)}, ready=f"http://127.0.0.1:{port}/docs"):
        yield


@asynccontextmanager
async def mlserver(directory: Path, port: int, features: int) -> AsyncIterator[None]:
    """MLServer's scikit-learn runtime while the block runs; POST /v2/models/svm/infer."""
    programs = await installed("mlserver")
    home = directory / "mlserver"
    home.mkdir()
    await _finished(str(programs / "python"), str(HERE / "fit.py"), str(home / "model.joblib"), str(features))
    model = {"name": "svm", "implementation": "mlserver_sklearn.SKLearnModel", "parameters": {"uri": "./model.joblib"}}
    settings = {
        "debug": False,
        "host": "127.0.0.1",
        "http_port": port,
        "grpc_port": port + 1,
        "metrics_port": port + 2,
        "parallel_workers": 0,
    }
    (home / "model-settings.json").write_text(json.dumps(model))
    (home / "settings.json").write_text(json.dumps(settings))
    ready = f"http://127.0.0.1:{port}/v2/models/svm/ready"
    async with _running(str(programs / "mlserver"), "start", str(home), environment={}, ready=ready):
        yield


@asynccontextmanager
async def _running(*argv: str, environment: dict[str, str], ready: str) -> AsyncIterator[None]:
    """A program while the block runs, from when it answers at `ready` on."""
    process = await asyncio.create_subprocess_exec(
        *argv,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await until_answering(ready, process)
        yield
    finally:
        await ended(process)


async def _finished(*argv: str) -> None:
    process = await asyncio.create_subprocess_exec(*argv, stdout=sys.stderr)
    if await process.wait() != 0:
        raise RuntimeError(f"{' '.join(argv[:4])} … ended with {process.returncode}")
