"""The long ones: a million stock rows, and the demo's year."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from bench.figures import Figure
from bench.groups import import_stock, replay
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
        seen = asyncio.run(replay.measure(empty(server, "year")))
    lines = orders * LINES_PER_ORDER
    beside = f"{seen['lines_per_second']:.0f} ÷ {lines:.0f} order lines/s; {seen['seconds']:.0f} s"
    return [Figure("replay_year", seen["lines_per_second"] / lines, beside)]
