"""The files in `static/`, from memory: their addresses change with their contents, so browsers keep them for ever."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import lru_cache

from litestar import Response
from litestar.handlers import HTTPRouteHandler

from comptoir.surfaces.console.rendering import STATIC, STATIC_URL, asset
from comptoir.surfaces.console.web import Answer, Web

FOR_EVER = "public, max-age=31536000, immutable"
A_DAY = "public, max-age=86400"
_TEXT = frozenset({".css", ".js", ".json", ".svg", ".txt"})


@dataclass(frozen=True, slots=True)
class Asset:
    body: bytes
    packed: bytes | None
    """With gzip, where that saves something."""
    kind: str
    etag: str
    version: str


@lru_cache(maxsize=256)
def load(name: str) -> Asset | None:
    """A file by its name below `static/`; None for what is not there, or outside."""
    path = STATIC / name
    if not path.resolve().is_relative_to(STATIC.resolve()) or not path.is_file():
        return None
    body = path.read_bytes()
    packed = gzip.compress(body, 6, mtime=0) if path.suffix in _TEXT and len(body) > 1024 else None
    kind = "text/javascript" if path.suffix == ".js" else mimetypes.guess_type(name)[0] or "application/octet-stream"
    etag = f'"{hashlib.sha256(body).hexdigest()[:24]}"'
    return Asset(body, packed, kind, etag, asset(name).partition("?v=")[2])


async def static_file(request: Web) -> Answer:
    name = str(request.path_params["path"]).lstrip("/")
    found = None if "\0" in name else load(name)
    if found is None:
        return Response("There is no such file.", status_code=404, media_type="text/plain")
    headers = {
        "Cache-Control": FOR_EVER if request.query_params.get("v") == found.version else A_DAY,
        "ETag": found.etag,
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
    }
    if request.headers.get("if-none-match") == found.etag:
        return Response(b"", status_code=304, headers=headers, media_type=found.kind)
    if found.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(found.packed, headers=headers | {"Content-Encoding": "gzip"}, media_type=found.kind)
    return Response(found.body, headers=headers, media_type=found.kind)


def route() -> HTTPRouteHandler:
    return HTTPRouteHandler(
        f"{STATIC_URL}/{{path:path}}", http_method=["GET", "HEAD"], status_code=200, include_in_schema=False
    )(static_file)
