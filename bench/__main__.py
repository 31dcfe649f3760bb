"""`python -m bench [--only GROUP]`: measures, prints a table, writes build/bench.json."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from bench.figures import Figure, save, show

GROUPS: dict[str, tuple[str, str]] = {
    "capture": ("capture", "measure"),
    "availability": ("availability", "measure"),
    "replay": ("bulk", "year"),
    "import": ("bulk", "stock"),
    "routing": ("routing", "measure"),
    "promises": ("promises", "measure"),
}
"""Each group's module and function; imported when it is asked for."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description="Ratios measured side by side in one run on this machine.")
    parser.add_argument("--only", choices=tuple(GROUPS), action="append", help="one group; may be repeated")
    chosen = parser.parse_args().only or tuple(GROUPS)
    figures: list[Figure] = []
    for group in chosen:
        module, function = GROUPS[group]
        measure: Callable[[], list[Figure]] = getattr(import_module(f"bench.groups.{module}"), function)
        sys.stderr.write(f"{group} ...\n")
        figures += measure()
        save(figures, Path("build/bench.json"))
    show(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
