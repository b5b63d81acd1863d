"""The steps of `relearn demo`: servers, a first model, a scenario, a checked summary, a slow stream until Ctrl-C."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack

from relearn.scripts.data.datasets import load_dataset, require_classes
from relearn.scripts.demo.checks.result import Result, check_and_summarize
from relearn.scripts.demo.display.console import DemoConsole
from relearn.scripts.demo.next_steps import keep_running
from relearn.scripts.demo.options import NAMESPACE, DataParts, DemoOptions, split_data, with_namespace
from relearn.scripts.demo.scenarios import DemoRun, drifting, learning, run_scenario
from relearn.scripts.demo.setup import ROLES, prepared
from relearn.scripts.demo.traffic.stream import TOGETHER
from relearn.scripts.embedded import stack


async def run_demo(options: DemoOptions, console: DemoConsole, results: list[Result]) -> None:
    """All steps, from servers to summary; appends the result to `results` once there is one."""
    console.print()
    console.print("Relearn: a stream, scored by a model that people correct while it runs.", "bold")
    console.print()
    parts = _split(options, console)
    environment = with_namespace(os.environ, options.source, drift=options.drift)
    own = None if os.environ.get(NAMESPACE) else environment.get(NAMESPACE)
    async with AsyncExitStack() as stopping:
        with console.step("servers", "starting Kafka, Postgres, Valkey, the workers and the API") as step:
            running = stack.running(environment, **ROLES, api=True, registry=False, on_event=console.on_event)
            up = await stopping.enter_async_context(running)
            stopping.callback(console.print, "stopping; stored data stays", "dim")
            step.done = f"Kafka, Postgres, Valkey, {len(up.workers)} workers and the API started"
        if own:
            console.note("namespace", f"{own}, apart from what other demos stored")
        async with prepared(up.settings, parts, options, console) as run:
            _announce(options, console)
            await _stream(run, options, console)
            results.append(await check_and_summarize(up.settings, run))
            if not options.leave:
                await keep_running(run, console, options, own, up.api)


def _split(options: DemoOptions, console: DemoConsole) -> DataParts:
    with console.step("data", f"reading {options.source}") as step:
        dataset = load_dataset(options.source, label=options.label)
        require_classes(dataset)
        parts = split_data(dataset, options.rows, options.seed)
        held = len(parts.held_back)
        step.done = (
            f"{dataset.stem}: {len(parts.training)} rows train, {len(parts.real):,} stream, {held} are held back"
        )
    return parts


def _announce(options: DemoOptions, console: DemoConsole) -> None:
    console.print()
    console.print(f"Streaming {options.rate:,.0f} records per second, real ones and noisy resamples in turn;")
    console.print(f"half of them one to a message, half {TOGETHER} to a message with a batch id.")
    console.print()


async def _stream(run: DemoRun, options: DemoOptions, console: DemoConsole) -> None:
    """Stream, and show the figures, while the scenario runs."""
    run.monitor.start(options.rate)
    scenario = asyncio.create_task(run_scenario(run, drifting if options.drift else learning, options.seconds))
    try:
        await run.monitor.show(console)
    except BaseException:
        scenario.cancel()
        await asyncio.gather(scenario, return_exceptions=True)
        raise
    await scenario
