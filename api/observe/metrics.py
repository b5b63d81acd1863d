"""Metrics of this process for Prometheus. Each process reports its own, with the label `process`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Histogram, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from relearn import __version__
from relearn.api.http.context import Context

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
#: The label `operation` of requests without one.
NO_OPERATION = "none"


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

    def watch(self, context: Context) -> None:
        """Add metrics of the model, the messages and the servers in `context`."""
        self._registry.register(_ContextCollector(context))

    def count_request(self, operation: str, status: int, took_s: float | None) -> None:
        """Count one request. `took_s` None: a stream, whose duration is up to the client."""
        self._requests.labels(operation, str(status)).inc()
        if took_s is not None:
            self._seconds.labels(operation).observe(took_s)

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
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
