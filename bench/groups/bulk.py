"""The long ones: a million stock rows, and the demo's year."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from bench.figures import Figure
from bench.groups import import_stock, replay, simulated
from bench.groups.capture import capture_rate
from bench.stage import empty, postgres

LINES_PER_ORDER = 2


def stock() -> list[Figure]:
    with postgres() as server, tempfile.TemporaryDirectory(prefix="comptoir-bench-") as folder:
        seen = asyncio.run(import_stock.measure(empty(server, "stock"), Path(folder)))
    beside = (
        f"{seen['rows']:.0f} rows of a file in {seen['import_s']:.1f} s ÷ COPY {seen['copy_s']:.1f} s; "
        f"COPY in the order of the file: {seen['copy_as_filed_s']:.1f} s"
    )
    return [Figure("import_stock", seen["ratio"], beside)]


def year() -> list[Figure]:
    """The replay, and the capture rate that it is compared with, on the same server."""
    with postgres() as server:
        orders = capture_rate(server)
        url = empty(server, "year")
        seen = asyncio.run(replay.measure(url))
        tried = asyncio.run(simulated.measure(url))
    lines = orders * LINES_PER_ORDER
    beside = f"{seen['lines_per_second']:.0f} ÷ {lines:.0f} order lines/s; {seen['seconds']:.0f} s"
    again = (
        f"{tried['orders']:.0f} orders in {tried['seconds']:.1f} s ({tried['gather']:.1f} s to read them) "
        f"÷ {seen['seconds']:.0f} s"
    )
    kept = (
        f"of {tried['promised']:.0f}, {tried['days']:.2f} days on average; without learning {tried['blind_kept']:.3f} "
        f"in {tried['blind_days']:.2f} days"
    )
    return [
        Figure("replay_year", seen["lines_per_second"] / lines, beside),
        Figure("simulate_year", tried["seconds"] / seen["seconds"], again),
        Figure("dates_kept", tried["kept"], kept),
    ]
