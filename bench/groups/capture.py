"""Taking orders: against the plain SQL function, with many SKUs, with many locations; and what it costs around it."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace

import psutil
import psycopg

from bench.figures import Figure
from bench.load import Spec
from bench.stage import comptoir, free_port, load, memory_mb, pgbench, place_script, postgres, running, shop, side_by_side
from comptoir.runtime.embedded import EmbeddedPostgres

CLIENTS = (2, 4, 8, 16)
CONNECTIONS = (256, 512, 768)
SKUS = 10_000


@contextmanager
def _open_shop(
    server: EmbeddedPostgres, name: str, *, skus: int = SKUS, locations: int = 3, worker: bool = False
) -> Generator[tuple[str, Spec, psutil.Process]]:
    url, token = shop(server, name, skus=skus, locations=locations)
    port = free_port()
    with running(comptoir(port, worker=worker), url, port) as process:
        yield url, Spec(port=port, kind="orders", skus=skus, token=token), process


def measure() -> list[Figure]:
    figures: list[Figure] = []
    with postgres() as server:
        figures += _against_sql(server)
        figures += _sizes(server)
        figures += _full_load(server)
    return figures


def capture_rate(server: EmbeddedPostgres) -> float:
    """Orders/s of two lines, spread SKUs: what other groups compare with."""
    with _open_shop(server, "reference") as (_, spec, _):
        return load(spec).per_second


def _against_sql(server: EmbeddedPostgres) -> list[Figure]:
    figures: list[Figure] = []
    with _open_shop(server, "spread") as (url, spec, _):
        for name, hot in (("capture_spread", False), ("capture_hot", True)):
            script = place_script(SKUS, hot=hot)
            # Both sides at their best: with the number of clients that suits each.
            clients = max(CLIENTS, key=lambda n: pgbench(url, script, clients=n, seconds=2))
            wanted = replace(spec, hot=hot)
            trials = {n: load(replace(wanted, connections=n, seconds=2)).per_second for n in CONNECTIONS}
            wanted = replace(wanted, connections=max(trials, key=trials.__getitem__))
            ours, plain = side_by_side(
                lambda wanted=wanted: load(wanted).per_second,
                lambda clients=clients, script=script: pgbench(url, script, clients=clients),
            )
            full = load(wanted)
            half = load(replace(wanted, rate=ours / 2))
            beside = (
                f"{ours:.0f} orders/s ({wanted.connections} connections) ÷ {plain:.0f} ({clients} clients); "
                f"half rate p50 {half.p50_ms:.1f} "
                f"p99 {half.p99_ms:.1f} ms, "
                f"full rate p50 {full.p50_ms:.1f} p99 {full.p99_ms:.1f} ms"
            )
            figures.append(Figure(name, ours / plain, beside))
    return figures


def _sizes(server: EmbeddedPostgres) -> list[Figure]:
    figures: list[Figure] = []
    with _open_shop(server, "small") as (_, small, _):
        for name, skus, locations in (("capture_million", 1_000_000, 3), ("capture_wide", SKUS, 457)):
            with _open_shop(server, name, skus=skus, locations=locations) as (_, large, _):
                ours, reference = side_by_side(lambda spec=large: load(spec).per_second, lambda: load(small).per_second)
            figures.append(Figure(name, ours / reference, f"{ours:.0f} ÷ {reference:.0f} orders/s"))
    return figures


def _full_load(server: EmbeddedPostgres) -> list[Figure]:
    """The whole of it: web, worker and its consumers, at the rate that they reach together."""
    with _open_shop(server, "whole", worker=True) as (url, spec, process):
        result = load(replace(spec, seconds=15))
        memory = memory_mb(process)
        behind = _consumers_behind(url)
    return [
        Figure("consumer_lag", behind, f"after 15 s at {result.per_second:.0f} orders/s with the worker beside"),
        Figure("memory", memory, "web, worker and their supervisor, PSS"),
    ]


def _consumers_behind(url: str) -> float:
    """Seconds from the end of the load until every consumer has read everything."""
    started = time.perf_counter()
    with psycopg.connect(url, autocommit=True) as connection:
        while time.perf_counter() - started < 120:
            row = connection.execute(
                "SELECT bool_and((c.tx, c.seq) >= (e.tx, e.seq)) FROM runtime.consumers c, "
                "(SELECT tx, seq FROM runtime.events ORDER BY tx DESC, seq DESC LIMIT 1) e"
            ).fetchone()
            if row is not None and row[0]:
                break
            time.sleep(0.02)
    return time.perf_counter() - started
