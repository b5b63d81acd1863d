"""Metrics of this process for Prometheus. Each process reports its own, with the label `process`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import get_args

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from relearn import __version__
from relearn.agents.stores.training.loop_facts import Loop, read_loop
from relearn.api.http.context import Context
from relearn.api.http.single_flight import SingleFlight
from relearn.schemas.errors import RelearnError
from relearn.schemas.http.retraining import AlertCode

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
#: The label `operation` of requests without one.
NO_OPERATION = "none"
#: Maximum wait of a scrape for Postgres; without an answer the figures of the learning are left out.
LEARNING_TIMEOUT_S = 2.0


class Metrics:
    """`process` distinguishes processes on one port and stays the same after a restart."""

    def __init__(self, process: str) -> None:
        self._process = process
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "relearn_api_requests", "Requests answered.", ("operation", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "relearn_api_request_seconds",
            "From a request's head to the end of its handler; streams of events are left out.",
            ("operation",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._learning: _LearningCollector | None = None

    def watch(self, context: Context) -> None:
        """Add metrics of the model, the messages, the servers and the learning in `context`."""
        self._registry.register(_ContextCollector(context))
        self._learning = _LearningCollector(context)
        self._registry.register(self._learning)

    def count_request(self, operation: str, status: int, took_s: float | None) -> None:
        """Count one request. `took_s` None: a stream, whose duration is up to the client."""
        self._requests.labels(operation, str(status)).inc()
        if took_s is not None:
            self._seconds.labels(operation).observe(took_s)

    async def text(self) -> bytes:
        """All metrics in Prometheus' text format. Reads those of the learning first."""
        if self._learning is not None:
            await self._learning.read()
        return generate_latest(_Labelled(self._registry, self._process))


METRICS: web.AppKey[Metrics] = web.AppKey("measures", Metrics)


class _ContextCollector(Collector):
    """Reads the context at each scrape."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def collect(self) -> Iterator[Metric]:
        context, served = self._context, self._context.live.current
        info = GaugeMetricFamily("relearn_info", "1; version and namespace.", labels=("version", "namespace"))
        info.add_metric((__version__, context.settings.namespace), 1)
        yield info
        version, activation = (served.model.version, served.activation) if served else (0, 0)
        yield GaugeMetricFamily("relearn_model_version", "The live model's version; 0 while there is none.", version)
        yield GaugeMetricFamily("relearn_model_activation", "The activation that made it live.", activation)
        yield _counts("relearn_model_updates_refused", "Model updates refused.", "reason", context.feed.swapper.refused)
        yield _counts("relearn_messages_sent", "Messages acknowledged.", "topic", context.producer.acknowledged)
        yield _counts("relearn_messages_lost", "Messages not acknowledged.", "topic", context.producer.lost)
        up = GaugeMetricFamily("relearn_up", "Whether the check passes, as in /readyz.", labels=("what",))
        for name, state in context.health.states.items():
            up.add_metric((name,), state.ok)
        yield up


class _LearningCollector(Collector):
    """What no training has known, as of the last `read`. Nothing while Postgres doesn't answer: see `relearn_up`."""

    def __init__(self, context: Context) -> None:
        self._reading = SingleFlight(lambda: read_loop(context.pool, context.settings))
        self._loop: Loop | None = None

    async def read(self) -> None:
        self._loop = None
        with suppress(RelearnError, TimeoutError):
            async with asyncio.timeout(LEARNING_TIMEOUT_S):
                self._loop = await self._reading.result()

    def collect(self) -> Iterator[Metric]:
        loop = self._loop
        if loop is None:
            return
        unlearned = GaugeMetricFamily("relearn_unlearned", "Reviews that no training has known.", labels=("what",))
        unlearned.add_metric(("corrections",), loop.facts.corrections)
        unlearned.add_metric(("labels",), loop.facts.labels)
        unlearned.add_metric(("waiting",), loop.work.waiting)
        yield unlearned
        alert = GaugeMetricFamily("relearn_retraining_alert", "Whether the alert is given.", labels=("code",))
        given = {one.code for one in loop.state.alerts}
        for code in get_args(AlertCode):
            alert.add_metric((code,), code in given)
        yield alert


def _counts(name: str, description: str, label: str, counts: dict[str, int]) -> Metric:
    family = CounterMetricFamily(name, description, labels=(label,))
    for value, count in counts.items():
        family.add_metric((value,), count)
    return family


class _Labelled(Collector):
    """All metrics of a registry, with the label `process`."""

    def __init__(self, registry: CollectorRegistry, process: str) -> None:
        self._registry = registry
        self._process = process

    def collect(self) -> Iterable[Metric]:
        for family in self._registry.collect():
            family.samples = [
                sample._replace(labels={**sample.labels, "process": self._process})
                for sample in family.samples
                if not sample.name.endswith("_created")  # creation times: one more line per counter
            ]
            yield family
