"""Asking what may be promised."""

from __future__ import annotations

import sys
from dataclasses import replace

from bench.figures import Figure
from bench.load import Spec
from bench.stage import comptoir, free_port, load, postgres, running, shop, side_by_side

SKUS = 10_000


def measure() -> list[Figure]:
    with postgres() as server:
        url, token = shop(server, "narrow", skus=SKUS, locations=3)
        wide_url, wide_token = shop(server, "wide", skus=SKUS, locations=457)
        port, bare_port, wide_port = free_port(), free_port(), free_port()
        with (
            running(comptoir(port), url, port),
            running([sys.executable, "-m", "bench.bare", str(bare_port)], url, bare_port),
            running(comptoir(wide_port), wide_url, wide_port),
        ):
            one = Spec(port=port, kind="availability", skus=SKUS, token=token, connections=32)
            ours, bare = side_by_side(
                lambda: load(one).per_second, lambda: load(replace(one, kind="bare", port=bare_port)).per_second
            )
            wide = Spec(port=wide_port, kind="availability", skus=SKUS, token=wide_token, connections=2)
            single, many = side_by_side(
                lambda: load(wide).per_second, lambda: load(replace(wide, kind="many", batch=100)).per_second
            )
    return [
        Figure("availability_one", ours / bare, f"{ours:.0f} ÷ {bare:.0f} requests/s"),
        Figure("availability_many", single / many, f"{1e3 / many * 2:.2f} ms ÷ {1e3 / single * 2:.2f} ms"),
    ]
