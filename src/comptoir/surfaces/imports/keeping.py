"""What a process needs to know of imports that does none: it is to be small, and the readers of files are not."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

IMPORT_TASK = "imports.run"
FOLDER = "imports"
"""Of uploaded files, in the data folder."""
MAX_UPLOAD = 2 * 1024**3
"""Bytes of one file."""
KEPT_FOR = 30 * 86_400
"""Seconds that an uploaded file is kept: a dry run is followed by the real one, and a failed run by another try."""


def forget_uploads(data: Path, *, older_than: float = KEPT_FOR) -> int:
    """Removes files that arrived longer ago than so many seconds; gives how many."""
    before = time.time() - older_than
    gone = 0
    for path in (data / FOLDER).glob("*"):
        with contextlib.suppress(OSError):
            if path.is_file() and path.stat().st_mtime < before:
                path.unlink()
                gone += 1
    return gone
