"""After the summary: a slow stream until Ctrl-C, and the commands to try in another terminal."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from relearn.scripts.demo.display.console import DemoConsole
from relearn.scripts.demo.options import NAMESPACE, DemoOptions
from relearn.scripts.demo.scenarios import DemoRun

SLOW_RATE = 5.0


async def keep_running(
    run: DemoRun, console: DemoConsole, options: DemoOptions, namespace: str | None, api: str | None
) -> None:
    """Stream slowly until Ctrl-C. `namespace`: the demo's own, which other terminals have to set."""
    console.print()
    console.print(f"Everything keeps running, with {SLOW_RATE:g} more records per second, until Ctrl-C.")
    if api:
        console.print(f"The API answers at {api}; its documentation is at /docs.")
    console.print("Next, in another terminal here:")
    console.print()
    oracle = options.source + (f" --label {options.label}" if options.label else "")
    for line in (*exports(namespace), *next_lines(oracle, run.champion.version)):
        console.print(f"  {line}")
    console.print()
    run.monitor.stream.start(SLOW_RATE)
    await run.monitor.show(console, line_every_s=None)


def next_lines(oracle: str, version: int) -> list[str]:
    """One line per command to try."""
    verbs = (
        ("status", "what is up, lag, models"),
        (f"review --oracle {oracle} --count 60", "answer as the reviewer did"),
        ("model list", "the champion, and all others"),
        ("job list", "why each model was trained"),
        (f"replay --from 1h --model {version}", "what it would have answered"),
    )
    width = max(len(argv) for argv, _ in verbs) + 2
    return [f"relearn {argv:<{width}}{why}" for argv, why in verbs]


def exports(namespace: str | None) -> list[str]:
    """The `export` that another terminal needs first, if any: where `relearn` is, and the namespace."""
    called = Path(sys.argv[0])
    needed = []
    if not shutil.which("relearn") and called.name == "relearn":
        needed.append(f'PATH="$PWD/{os.path.relpath(called.parent)}:$PATH"')
    if namespace:
        needed.append(f"{NAMESPACE}={namespace}")
    return [f"export {' '.join(needed)}"] if needed else []
