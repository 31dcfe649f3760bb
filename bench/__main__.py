"""`python -m bench [--only GROUP]`: measures, prints a table, writes build/bench.json."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from bench.figures import Figure, save, show

GROUPS = ("capture", "availability", "replay", "import")
MODULES = {"import": "import_stock"}


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description="Ratios measured side by side in one run on this machine.")
    parser.add_argument("--only", choices=GROUPS, action="append", help="one group; may be repeated")
    chosen = parser.parse_args().only or GROUPS
    figures: list[Figure] = []
    for group in chosen:
        module = import_module(f"bench.groups.{MODULES.get(group, group)}")
        measure: Callable[[], list[Figure]] = module.measure
        sys.stderr.write(f"{group} ...\n")
        figures += measure()
        save(figures, Path("build/bench.json"))
    show(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
