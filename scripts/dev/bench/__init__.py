"""`relearn bench`: measures this machine, side by side in one run; the tests assert no timings, these print them."""

from __future__ import annotations

import signal

import click

from relearn.scripts.lazy_group import LazyGroup

_HERE = "relearn.scripts.dev.bench"
VERBS = {
    "score": (f"{_HERE}.score:score", "Records per second of the score worker, beside a plain agent and a raw client."),
    "decode": (f"{_HERE}.decode:decode", "Time to decode a message of each form; Avro and mapped JSON beside our own."),
    "api": (
        f"{_HERE}.api.command:api",
        "Requests per second and latency of the API, beside FastAPI and MLServer.",
    ),
    "latency": (f"{_HERE}.latency:latency", "Time from a record's timestamp to its row in Postgres, at some rates."),
    "policy": (f"{_HERE}.policy.command:policy", "The learning policy on many streams and kinds of feedback."),
    "train": (f"{_HERE}.train:train", "A whole training, beside the same fits by scikit-learn."),
    "loop": (f"{_HERE}.loop.command:loop", "Time from a correction to a better model on every worker."),
    "learn": (f"{_HERE}.learn.command:learn", "Accuracy over labels while records stream, beside scikit-learn."),
    "faults": (f"{_HERE}.faults.command:faults", "Faults on a running stream: each record ends exactly once."),
    "events": (f"{_HERE}.events:events", "Time from a commit to the API's listeners, at some rates."),
}


@click.group(cls=LazyGroup, verbs=VERBS)
def bench() -> None:
    """Measure this machine. Servers are started in a temporary directory; existing data is not touched."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # as Ctrl-C: servers, programs and directories go
