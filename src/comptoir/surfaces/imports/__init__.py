"""Files of orders, products, stock and locations.

An import is a run (`modules.imports`): it goes through its file chunk by chunk, and each chunk commits together with the
position after it, so that a run that was killed goes on where it stopped and nothing is done twice.

The readers of files take 50 MB, so everything here is loaded when it is first used: a process that wants to stay small says
`from comptoir.surfaces import imports` and `imports.start_import(…)` where it needs it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from comptoir.surfaces.imports.keeping import forget_uploads
    from comptoir.surfaces.imports.reading import Importer, Seen, Watch
    from comptoir.surfaces.imports.rejected import reject_lines, rejected_csv, write_rejected, write_rejections
    from comptoir.surfaces.imports.report import Report
    from comptoir.surfaces.imports.request import ImportRequest, hash_of, order_layouts, request_of
    from comptoir.surfaces.imports.running import Preview, execute, open_importer, preview, run_import
    from comptoir.surfaces.imports.uploads import Upload, resume, start_again, start_import, store_upload

__all__ = [
    "ImportRequest",
    "Importer",
    "Preview",
    "Report",
    "Seen",
    "Upload",
    "Watch",
    "execute",
    "forget_uploads",
    "hash_of",
    "open_importer",
    "order_layouts",
    "preview",
    "reject_lines",
    "rejected_csv",
    "request_of",
    "resume",
    "run_import",
    "start_again",
    "start_import",
    "store_upload",
    "write_rejected",
    "write_rejections",
]

_PARTS = {
    "keeping": ("forget_uploads",),
    "reading": ("Importer", "Seen", "Watch"),
    "rejected": ("reject_lines", "rejected_csv", "write_rejected", "write_rejections"),
    "report": ("Report",),
    "request": ("ImportRequest", "hash_of", "order_layouts", "request_of"),
    "running": ("Preview", "execute", "open_importer", "preview", "run_import"),
    "uploads": ("Upload", "resume", "start_again", "start_import", "store_upload"),
}
_WHERE = {name: part for part, names in _PARTS.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(importlib.import_module(f"{__name__}.{_WHERE[name]}"), name)
