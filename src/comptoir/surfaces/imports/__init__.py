"""Files of orders, products, stock and locations.

An import is a run (`modules.imports`): it goes through its file chunk by chunk, and each chunk commits together with the
position after it, so that a run that was killed goes on where it stopped and nothing is done twice.
"""

from comptoir.surfaces.imports.reading import Importer, Seen, Watch
from comptoir.surfaces.imports.rejected import write_rejected, write_rejections
from comptoir.surfaces.imports.report import Report
from comptoir.surfaces.imports.request import ImportRequest, hash_of, request_of
from comptoir.surfaces.imports.running import Preview, execute, open_importer, preview, run_import
from comptoir.surfaces.imports.uploads import forget_uploads, resume, start_again, start_import, store_upload

__all__ = [
    "ImportRequest",
    "Importer",
    "Preview",
    "Report",
    "Seen",
    "Watch",
    "execute",
    "forget_uploads",
    "hash_of",
    "open_importer",
    "preview",
    "request_of",
    "resume",
    "run_import",
    "start_again",
    "start_import",
    "store_upload",
    "write_rejected",
    "write_rejections",
]
