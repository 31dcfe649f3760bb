"""The API's addresses, for the application.

All that is under /v1 is one ASGI application, which finds the operations itself: Litestar gives no parameters to raw ASGI
handlers, and its other handlers cost a request twice the time. What is found here is exact: an id that holds an encoded slash
stays one part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from litestar import asgi
from litestar.handlers import ASGIRouteHandler
from litestar.types import ASGIApp, Receive, Scope, Send

from comptoir.surfaces.api.answering import Front
from comptoir.surfaces.api.docs import Docs
from comptoir.surfaces.api.operations import Operation, Resource

Methods = Mapping[str, Operation]
Found = tuple[Methods, dict[str, str]]

ROOT: Final = "/v1/"
_WHOLE_REST = frozenset({"sku", "external_id"})
"""Parameters that may hold slashes where they stand at the end of an address."""
_NOWHERE: Found = ({}, {})


@dataclass(slots=True)
class _Node:
    """One part of the addresses that have parameters."""

    parts: dict[str, _Node] = field(default_factory=dict[str, "_Node"])
    parameter: tuple[str, _Node] | None = None
    methods: dict[str, Operation] = field(default_factory=dict[str, Operation])
    rest: str = ""
    """The parameter that takes all that is left, for `rest_methods`."""
    rest_methods: dict[str, Operation] = field(default_factory=dict[str, Operation])


class Addresses:
    """Finds the operations of an address, and what stands for its parameters."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self._plain: dict[str, dict[str, Operation]] = {}
        self._root = _Node()
        for operation in operations:
            methods = self._methods(operation) if operation.parameters else self._plain.setdefault(operation.path, {})
            assert operation.method not in methods, f"{operation.method} {operation.path} is there twice"
            methods[operation.method] = operation

    def _methods(self, operation: Operation) -> dict[str, Operation]:
        node = self._root
        parts = operation.path.split("/")[1:]
        for n, part in enumerate(parts):
            name = part.strip("{}")
            if part == name:
                node = node.parts.setdefault(part, _Node())
            elif name in _WHOLE_REST and n == len(parts) - 1:
                node.rest = name
                return node.rest_methods
            else:
                if node.parameter is None:
                    node.parameter = (name, _Node())
                assert node.parameter[0] == name, f"{operation.path} names a parameter in two ways"
                node = node.parameter[1]
        return node.methods

    def find(self, raw_path: bytes) -> Found:
        """No operations for an address that there is not."""
        path = raw_path.decode("latin-1")
        if len(path) > 1 and path[-1] == "/":
            path = path.rstrip("/")
        plain = self._plain.get(path)
        return self._walk(path) if plain is None else (plain, {})

    def _walk(self, path: str) -> Found:
        try:
            parts = [unquote(part, errors="strict") for part in path.split("/")[1:]] if "%" in path else path.split("/")[1:]
        except UnicodeDecodeError:
            return _NOWHERE
        node = self._root
        values: dict[str, str] = {}
        for n, part in enumerate(parts):
            following = node.parts.get(part)
            if following is not None:
                node = following
            elif node.parameter is not None and part:
                values[node.parameter[0]] = part
                node = node.parameter[1]
            elif node.rest:
                values[node.rest] = "/".join(parts[n:])
                return node.rest_methods, values
            else:
                return _NOWHERE
        return node.methods, values


def mounted(front: Front, resources: Sequence[Resource]) -> tuple[ASGIApp, list[ASGIRouteHandler]]:
    """What answers all that is under `ROOT`, and the handlers of what is not."""
    addresses = Addresses([operation for resource in resources for operation in resource.operations])
    others = {o.path for resource in resources for o in resource.operations if not o.path.startswith(ROOT)}

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        methods, parameters = addresses.find(scope["raw_path"])
        await front(methods, parameters, scope, receive, send)

    return answer, [asgi(sorted(others), copy_scope=False)(answer)]


def documented(docs: Docs) -> list[ASGIRouteHandler]:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        await docs(scope, receive, send)

    return [asgi("/openapi.json", copy_scope=False)(answer), asgi("/docs", is_mount=True, copy_scope=False)(answer)]
