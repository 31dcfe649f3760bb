"""The API's addresses, for the application: one handler for each, whichever methods it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from litestar import asgi
from litestar.handlers import ASGIRouteHandler
from litestar.types import Receive, Scope, Send

from comptoir.surfaces.api.answering import Front
from comptoir.surfaces.api.docs import Docs
from comptoir.surfaces.api.operations import Operation, Resource

_WHOLE_REST = frozenset({"sku", "external_id"})
"""Parameters that may hold slashes where they stand at the end of an address."""


def mounted(front: Front, resources: Sequence[Resource]) -> list[ASGIRouteHandler]:
    by_path: dict[str, dict[str, Operation]] = {}
    for resource in resources:
        for operation in resource.operations:
            methods = by_path.setdefault(_template(operation), {})
            assert operation.method not in methods, f"{operation.method} {operation.path} is there twice"
            methods[operation.method] = operation
    return [_address(front, path, operations) for path, operations in by_path.items()]


def _template(operation: Operation) -> str:
    """The address as Litestar writes it."""
    path = operation.path
    for name in operation.parameters:
        kind = "path" if name in _WHOLE_REST and path.endswith(f"{{{name}}}") else "str"
        path = path.replace(f"{{{name}}}", f"{{{name}:{kind}}}")
    return path


def _address(front: Front, path: str, operations: Mapping[str, Operation]) -> ASGIRouteHandler:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        await front(operations, scope, receive, send)

    return asgi(path, copy_scope=False)(answer)


def nowhere(front: Front) -> ASGIRouteHandler:
    """What is under /v1 and is none of ours is told as the API tells things."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        await front({}, scope, receive, send)

    return asgi(["/v1", "/v1/{rest:path}"], copy_scope=False)(answer)


def documented(docs: Docs) -> ASGIRouteHandler:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        await docs(scope, receive, send)

    return asgi(["/openapi.json", "/docs", "/docs/errors", "/docs/static/{name:path}"], copy_scope=False)(answer)
