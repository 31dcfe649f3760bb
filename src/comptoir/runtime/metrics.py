"""Figures for Prometheus.

Every process has its own registry and shows its own figures at its own /metrics: with several web processes behind one port a
scrape reaches one of them, so that counters are summed over processes only when each is scraped by itself (give each worker
its port, or run one process per container). Figures that come from the database (lag, jobs) are the same whoever is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from comptoir.runtime.consumers import ConsumerLag
from comptoir.runtime.jobs import JobCount

CONTENT_TYPE = CONTENT_TYPE_LATEST

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


class Metrics:
    """The figures of one process."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
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
        """Prometheus' text, of type `CONTENT_TYPE`."""
        return generate_latest(self.registry)


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
