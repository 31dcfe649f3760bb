"""How long random tests go on: a little in every run, long by `make fuzz`."""

from __future__ import annotations

import os


def examples(usual: int) -> int:
    """So many examples, times COMPTOIR_EFFORT."""
    return usual * int(os.environ.get("COMPTOIR_EFFORT", "1"))
