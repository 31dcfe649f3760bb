"""The stage: a durable embedded PostgreSQL, shops of any size, web servers, pgbench, and processes that are measured."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import psutil
import psycopg

from bench.load import Result, Spec
from comptoir.migrations import schema
from comptoir.modules.staff import api as staff
from comptoir.modules.staff.contracts import Scope
from comptoir.runtime.database import SURVEY, Database
from comptoir.runtime.embedded import EmbeddedPostgres, client_programs

HERE = Path(__file__).parent
ROUNDS = 3


@contextmanager
def postgres() -> Generator[EmbeddedPostgres]:
    """A server with the settings of production: fsync, synchronous commit, full-page writes."""
    folder = Path(tempfile.mkdtemp(prefix="comptoir-bench-"))
    server = EmbeddedPostgres(folder, settings={"shared_buffers": "1GB", "max_wal_size": "8GB"})
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


_SEED = """
INSERT INTO locations.locations (id, code, name, kind, country, time_zone, latitude, longitude)
SELECT uuidv7(), 'L' || g, 'Location ' || g, 'warehouse', 'US', 'America/New_York', 30 + random() * 15, -120 + random() * 40
FROM generate_series(1, {locations}) g;
INSERT INTO locations.pools (id, code, name) VALUES (uuidv7(), 'all', 'All');
INSERT INTO locations.pool_members (pool_id, location_id, priority)
SELECT (SELECT id FROM locations.pools), id, 1 FROM locations.locations;
INSERT INTO pricing.markets (code, name, currency, country) VALUES ('us', 'US', 'USD', 'US');
INSERT INTO channels.channels (id, code, name, kind, pool_id, market)
SELECT uuidv7(), 'web', 'Web', 'web', id, 'us' FROM locations.pools;
INSERT INTO catalogue.products (id, code, names) VALUES (uuidv7(), 'product', '{{"en": "Product"}}');
INSERT INTO catalogue.variants (id, product_id, sku, name, unit)
SELECT uuidv7(), (SELECT id FROM catalogue.products), 'SKU' || lpad(g::text, 8, '0'), 'Product ' || g, 'unit'
FROM generate_series(1, {skus}) g;
INSERT INTO pricing.prices (sku, market, amount, tax_rate)
SELECT 'SKU' || lpad(g::text, 8, '0'), 'us', 1000 + g % 997, 0.2 FROM generate_series(1, {skus}) g;
INSERT INTO inventory.entries (at, kind, sku, location_id, on_hand, actor, reason)
SELECT now(), 'received', 'SKU' || lpad(g::text, 8, '0'), l.id, 1000000, 'system', 'bench'
FROM generate_series(1, {skus}) g, locations.locations l;
INSERT INTO inventory.levels (sku, location_id, on_hand) SELECT sku, location_id, on_hand FROM inventory.entries ORDER BY 1, 2;
"""


def empty(server: EmbeddedPostgres, name: str) -> str:
    """A migrated database without rows."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
        connection.execute(f"CREATE DATABASE {name}".encode())
    schema.migrate(server.url(name))
    return server.url(name)


def shop(server: EmbeddedPostgres, name: str, *, skus: int, locations: int) -> tuple[str, str]:
    """A database with so many SKUs at each of so many locations; gives its URL and an API token."""
    url = empty(server, name)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_SEED.format(skus=skus, locations=locations).encode())
        connection.execute((HERE / "plain.sql").read_bytes())
        connection.execute("VACUUM inventory.levels, inventory.entries, catalogue.variants, pricing.prices")
        connection.execute(SURVEY)
        connection.execute("CHECKPOINT")
    return url, asyncio.run(_token(url))


async def _token(url: str) -> str:
    async with Database(url) as database, database.transaction() as tx:
        _, secret = await staff.create_token(tx, "bench", [Scope.ORDERS_WRITE, Scope.ORDERS_READ, Scope.STOCK_READ])
    return secret


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(arguments: list[str], url: str, port: int, path: str = "/healthz") -> Generator[psutil.Process]:
    """A process that serves on `port` for as long as the block lasts."""
    data = tempfile.mkdtemp(prefix="comptoir-bench-data-")
    environment = os.environ | {"DATABASE_URL": url, "COMPTOIR_DATA": data, "COMPTOIR_LOG_LEVEL": "warning"}
    with (Path(data) / "log").open("wb") as log:
        process = subprocess.Popen(arguments, env=environment, stdout=log, stderr=log, cwd=HERE.parent)
        try:
            _wait(port, path, process, Path(data) / "log")
            yield psutil.Process(process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
            shutil.rmtree(data, ignore_errors=True)


def _wait(port: int, path: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}: {log.read_text()[-2000:]}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server did not answer in 30 s")


PROCESSES = 2
"""Web processes: as many as the machine has processors."""


def comptoir(port: int, *, worker: bool = False) -> list[str]:
    """The command that serves the shop."""
    command = [str(Path(sys.executable).with_name("comptoir")), "serve", "--port", str(port), "--processes", str(PROCESSES)]
    return command if worker else [*command, "--no-worker"]


def load(spec: Spec) -> Result:
    """Runs the load in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.load", json.dumps(asdict(spec))],
        capture_output=True,
        text=True,
        cwd=HERE.parent,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return Result(**json.loads(done.stdout))


def pgbench(url: str, script: str, *, clients: int, seconds: float = 4) -> float:
    """Transactions per second of a pgbench script."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        done = subprocess.run(
            [
                str(client_programs() / "pgbench"),
                *("-n", "-M", "prepared", "-c", str(clients), "-j", "1", "-T", str(int(seconds)), "-f", file.name),
                url,
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    line = next(line for line in done.stdout.splitlines() if line.startswith("tps"))
    return float(line.split()[2])


def place_script(skus: int, *, hot: bool) -> str:
    """What pgbench does: the same orders as `bench.load` sends."""
    padded = "'SKU' || lpad((:{0})::text, 8, '0')"
    first = "1" if hot else f"random(1, {skus})"
    return f"""\\set a {first}
\\set c random(1, {skus})
\\set b :c + (case when :a = :c then 1 else 0 end)
\\set latitude random(30000, 45000) / 1000.0
\\set longitude random(-120000, -80000) / 1000.0
\\set key random(1, 9000000000000000000)
SELECT bench.place('web', 'k' || :key, jsonb_build_array(
  jsonb_build_object('sku', {padded.format("a")}, 'quantity', 1),
  jsonb_build_object('sku', {padded.format("b")}, 'quantity', 1)), :latitude, :longitude);
""".replace("random(1, " + str(skus) + ")\n\\set b", "random(1, " + str(skus - 1) + ")\n\\set b")


def side_by_side(*sides: Callable[[], float], rounds: int = ROUNDS) -> list[float]:
    """The median of each side, measured in turns, so that what else the machine does hits all alike."""
    values: list[list[float]] = [[] for _ in sides]
    for _ in range(rounds):
        for side, seen in zip(sides, values, strict=True):
            seen.append(side())
    return [statistics.median(seen) for seen in values]


def memory_mb(process: psutil.Process) -> float:
    """What a process and its children hold for themselves, shared pages counted once (PSS)."""
    total = 0
    for one in [process, *process.children(recursive=True)]:
        try:
            total += one.memory_full_info().pss
        except psutil.Error:
            continue
    return total / 1e6
