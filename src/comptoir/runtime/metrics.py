"""Figures for Prometheus.

Every process counts for itself, in a registry of its own, and shows its figures with its name as the label `process`. Whoever
is scraped shows those of the neighbours too (`neighbours.py`): sums over processes are right whichever answers. Figures that
come from the database (lag, jobs) are shown by workers; several show the same, so that the largest counts and not the sum.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector, RestrictedRegistry

from comptoir.runtime.consumers import ConsumerLag
from comptoir.runtime.jobs import JobCount
from comptoir.runtime.neighbours import Neighbours

CONTENT_TYPE = CONTENT_TYPE_LATEST

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
_FAMILY = re.compile(rb"(# HELP .*\n# TYPE .*\n)((?:[^#].*\n)*)")
"""What a family begins with, and its series."""


class Metrics:
    """The figures of one process, and the way to those of its neighbours."""

    def __init__(self, process: str = "web", neighbours: Neighbours | None = None) -> None:
        self.process = process
        self._neighbours = neighbours or Neighbours()
        self.registry = registry = CollectorRegistry()
        self.shown = OfProcess(registry, process)
        """The registry as it is shown."""
        _up(registry).set(1)
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)

        self.requests = Counter(
            "comptoir_http_requests", "Requests answered.", ("method", "route", "status"), registry=registry
        )
        self.request_seconds = Histogram(
            "comptoir_http_request_seconds", "Time to answer.", ("method", "route"), buckets=_SECONDS, registry=registry
        )
        self.in_flight = Gauge("comptoir_http_in_flight", "Requests being answered now.", registry=registry)

        self.capture_size = Histogram(
            "comptoir_capture_batch_size", "Orders and holds captured together.", buckets=_SIZES, registry=registry
        )
        self.capture_seconds = Histogram(
            "comptoir_capture_batch_seconds", "Time from taking a batch to its commit.", buckets=_SECONDS, registry=registry
        )
        self.capture_waiting = Gauge("comptoir_capture_waiting", "Waiting to be captured.", registry=registry)
        self.captured = Counter("comptoir_captured", "Orders and holds by outcome.", ("kind", "outcome"), registry=registry)

        self.consumer_events = Gauge("comptoir_consumer_lag_events", "Events not yet read.", ("consumer",), registry=registry)
        self.consumer_seconds = Gauge(
            "comptoir_consumer_lag_seconds", "Age of the oldest event not yet read.", ("consumer",), registry=registry
        )
        self.consumer_parked = Gauge(
            "comptoir_consumer_parked_events",
            "Events that broke a handler and wait for a person.",
            ("consumer",),
            registry=registry,
        )

        self.jobs = Gauge("comptoir_jobs", "Jobs in the queue.", ("queue", "status"), registry=registry)
        self.job_seconds = Histogram(
            "comptoir_job_seconds", "Time of jobs.", ("task", "outcome"), buckets=(*_SECONDS, 120.0, 600.0), registry=registry
        )

        self.webhook_attempts = Counter(
            "comptoir_webhook_attempts", "Webhook deliveries tried.", ("outcome",), registry=registry
        )
        self.webhook_seconds = Histogram(
            "comptoir_webhook_attempt_seconds", "Time until an endpoint answered.", buckets=_SECONDS, registry=registry
        )

    def request_done(self, method: str, route: str, status: int, seconds: float) -> None:
        """`route` is the template (`/orders/{id}`), never the path: the number of series must not grow with the traffic."""
        self.requests.labels(method, route, str(status)).inc()
        self.request_seconds.labels(method, route).observe(seconds)

    def batch_done(self, size: int, seconds: float) -> None:
        self.capture_size.observe(size)
        self.capture_seconds.observe(seconds)

    def job_ended(self, task: str, outcome: str, seconds: float) -> None:
        """Given to `JobRunner(ended=…)`."""
        self.job_seconds.labels(task, outcome).observe(seconds)

    def show_lag(self, lags: Iterable[ConsumerLag]) -> None:
        for lag in lags:
            self.consumer_events.labels(lag.name).set(lag.events)
            self.consumer_seconds.labels(lag.name).set(lag.seconds)
            self.consumer_parked.labels(lag.name).set(lag.parked)

    def show_jobs(self, counts: Sequence[JobCount]) -> None:
        self.jobs.clear()
        for count in counts:
            self.jobs.labels(count.queue, count.status).set(count.count)

    def watch_waiting(self, waiting: Callable[[], int]) -> None:
        """Asks a batcher how many wait, at each scrape."""
        self.capture_waiting.set_function(waiting)

    def watch_pool(self, name: str, stats: Callable[[], Mapping[str, int]]) -> None:
        """Asks a psycopg pool for its `get_stats()` at each scrape."""
        self.registry.register(_Pool(name, stats))

    def render(self) -> bytes:
        """The figures of this process as Prometheus' text, of type `CONTENT_TYPE`."""
        return generate_latest(self.shown)

    def told(self) -> contextlib.AbstractAsyncContextManager[None]:
        """Within it, the neighbours may ask for these figures."""
        return self._neighbours.telling(self.process, self.render)

    async def render_all(self) -> bytes:
        """The figures of this process and of its neighbours. Of one that does not answer, that it is not up is all there is."""
        told = await self._neighbours.ask(self.process)
        others = {name: _not_up(name) if text is None else text for name, text in told.items()}
        return _merged([text for _, text in sorted((others | {self.process: self.render()}).items())])


def _up(registry: CollectorRegistry) -> Gauge:
    return Gauge("comptoir_process_up", "Whether the process gave its figures: 1 or 0.", registry=registry)


def _not_up(process: str) -> bytes:
    registry = CollectorRegistry()
    _up(registry).set(0)
    return generate_latest(OfProcess(registry, process))


def _merged(texts: Iterable[bytes]) -> bytes:
    """One text of several: each family once, with the series of all.

    The texts are cut and not parsed: that would take longer than all else, while requests wait.
    """
    families: dict[bytes, list[bytes]] = {}
    for text in texts:
        for head, series in _FAMILY.findall(text):
            families.setdefault(head, [head]).append(series)
    return b"".join([part for family in families.values() for part in family])


class OfProcess(Collector):
    """The figures of a registry, each with the label `process`."""

    def __init__(self, registry: CollectorRegistry | RestrictedRegistry, process: str) -> None:
        self._registry = registry
        self._process = process

    def collect(self) -> Iterable[Metric]:
        for family in self._registry.collect():
            shown = Metric(family.name, family.documentation, family.type)
            shown.samples = [one._replace(labels={**one.labels, "process": self._process}) for one in family.samples]
            yield shown

    def restricted_registry(self, names: Iterable[str]) -> OfProcess:
        """Only these: what Prometheus' own server makes of `/metrics?name[]=…`."""
        assert isinstance(self._registry, CollectorRegistry)
        return OfProcess(RestrictedRegistry(names, self._registry), self._process)


class _Pool(Collector):
    """Connections of one pool, and what was asked of it."""

    def __init__(self, name: str, stats: Callable[[], Mapping[str, int]]) -> None:
        self._name = name
        self._stats = stats

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        family = GaugeMetricFamily(
            "comptoir_db_pool", "The pool's own figures, as psycopg_pool names them.", labels=("pool", "figure")
        )
        for figure, value in self._stats().items():
            family.add_metric((self._name, figure), value)
        yield family
