"""The description of the API, a page to browse it, and the list of all that can go wrong."""

from __future__ import annotations

import asyncio
import hashlib
import html
import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from litestar.types import HTTPScope, Receive, Send

from comptoir.runtime import log as logs
from comptoir.surfaces.api.answering import Front, failure
from comptoir.surfaces.api.operations import Answer
from comptoir.surfaces.api.problems import MethodNotAllowed, UnknownRoute, error_catalogue

_STATIC = Path(__file__).parent / "static"
_TYPES = {".js": b"text/javascript; charset=utf-8", ".css": b"text/css; charset=utf-8", ".txt": b"text/plain; charset=utf-8"}
_PAGE_POLICY = (
    b"content-security-policy",
    b"; ".join(
        [
            b"default-src 'none'",
            b"script-src 'self'",
            b"style-src 'self' 'unsafe-inline'",
            b"img-src 'self' data:",
            b"font-src 'self' data:",
            b"connect-src 'self'",
            b"base-uri 'none'",
            b"form-action 'none'",
            b"frame-ancestors 'none'",
        ]
    ),
)
"""The browser of the description styles its own elements inline; scripts come from us only."""
_HTML = b"text/html; charset=utf-8"
_FOR_A_YEAR = (b"cache-control", b"public, max-age=31536000, immutable")


class Docs:
    """`document` gives the description, as `written` writes it; it is not made, and takes no memory, before somebody asks."""

    def __init__(self, front: Front, document: Callable[[], bytes]) -> None:
        self._front = front
        self._document = document

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - nothing is read
        given = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
        with logs.request(given) as request_id:
            answer = await self._answer(scope, request_id)
            await self._front.send(answer, send, request_id, bare=scope["method"] == "HEAD")

    async def _answer(self, scope: HTTPScope, request_id: str) -> Answer[bytes]:
        if scope["method"] not in {"GET", "HEAD"}:
            return failure(MethodNotAllowed(allow="GET, HEAD"), request_id)
        match scope["raw_path"].decode("latin-1").rstrip("/"):
            case "/openapi.json":
                document = await asyncio.to_thread(self._document)
                return Answer(200, document, headers=((b"cache-control", b"public, max-age=60"),))
            case "/docs":
                return Answer(200, _page(), _HTML, (_PAGE_POLICY,))
            case "/docs/errors":
                return Answer(200, _errors(), _HTML, (_PAGE_POLICY,))
            case path:
                return _file(path.removeprefix("/docs/static/")) or failure(UnknownRoute(), request_id)


def written(document: dict[str, object]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _file(name: str) -> Answer[bytes] | None:
    """One of the files that are there; a name with a path in it is none of them."""
    path = _files().get(name)
    return None if path is None else Answer(200, path.read_bytes(), _TYPES[path.suffix], (_FOR_A_YEAR,))


@lru_cache(maxsize=1)
def _files() -> dict[str, Path]:
    return {str(path.relative_to(_STATIC)): path for path in _STATIC.rglob("*") if path.suffix in _TYPES}


@lru_cache(maxsize=8)
def _address(name: str) -> str:
    """Where a file is, with a mark that changes when it does: it is kept for a year."""
    return f"/docs/static/{name}?v={hashlib.sha256((_STATIC / name).read_bytes()).hexdigest()[:12]}"


@lru_cache(maxsize=1)
def _page() -> bytes:
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Comptoir API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{_address("docs.css")}">
<script defer src="{_address("docs.js")}"></script>
<script type="module" src="{_address("vendor/rapidoc-min.js")}"></script>
</head>
<body>
<rapi-doc spec-url="/openapi.json" load-fonts="false" theme="light" primary-color="#0f766e" nav-bg-color="#f6f5f1"
  nav-text-color="#22302e" nav-accent-color="#0f766e" bg-color="#ffffff" text-color="#22302e" header-color="#0f766e"
  regular-font="system-ui, sans-serif" mono-font="ui-monospace, monospace" render-style="focused" schema-style="table"
  show-header="false" show-method-in-nav-bar="as-colored-text" use-path-in-nav-bar="false" allow-spec-url-load="false"
  allow-spec-file-load="false" allow-spec-file-download="false" allow-server-selection="false" persist-auth="false"
  default-schema-tab="schema" fill-request-fields-with-example="false" sort-tags="false"
  info-description-headings-in-navbar="false">
  <p slot="nav-logo" class="brand">Comptoir</p>
  <p slot="overview" class="overview">For machines: <a href="/openapi.json">openapi.json</a>. To try a call, give a token under
  <em>Authentication</em>, open an operation and press <em>Try</em>: it is a real call to this Comptoir.</p>
</rapi-doc>
<noscript><p>This page needs JavaScript; machines read <a href="/openapi.json">/openapi.json</a>.</p></noscript>
</body>
</html>
""".encode()


@lru_cache(maxsize=1)
def _errors() -> bytes:
    rows = "\n".join(
        f'<tr id="{html.escape(one.code)}"><td><code>{html.escape(one.code)}</code></td><td>{one.status}</td>'
        f"<td><strong>{html.escape(one.title)}.</strong> {html.escape(one.description)}</td></tr>"
        for one in error_catalogue()
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Comptoir API: error codes</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{_address("docs.css")}">
</head>
<body class="page">
<h1>Error codes</h1>
<p>Every failure is a problem document (RFC 9457). Its <code>code</code> does not change; wording may.
<a href="/docs">Back to the API</a></p>
<table><thead><tr><th>Code</th><th>Status</th><th>Meaning</th></tr></thead><tbody>
{rows}
</tbody></table>
</body>
</html>
""".encode()
