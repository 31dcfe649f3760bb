"""What every test would pay again, although none of them is about it."""

from __future__ import annotations

import gc
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FunctionType
from typing import Any, cast

import argon2
import pytest
from litestar._asgi import asgi_router
from litestar.router import Router
from litestar.routes import HTTPRoute
from litestar.utils.signature import ParsedSignature

from comptoir.runtime import crypto


def collect_seldom() -> None:
    """What is loaded when the first test begins stays: the collector need not look at it again, and may look at the rest
    rarely. A full round takes a quarter of a second, and each application that is made would bring on one.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def read_signatures_once() -> None:
    """Litestar reads the signature of each of an application's handlers; the console's come from one function."""
    read: Callable[[Any, dict[str, Any]], ParsedSignature] = ParsedSignature.from_fn
    known: dict[object, ParsedSignature] = {}

    def from_fn(fn: Any, signature_namespace: dict[str, Any]) -> ParsedSignature:
        if not isinstance(fn, FunctionType) or fn.__defaults__ or fn.__kwdefaults__ or signature_namespace:
            return read(fn, signature_namespace)
        key = (fn.__code__, *map(str, fn.__annotations__.values()))
        if key not in known:
            known[key] = read(fn, signature_namespace)
        return known[key]

    ParsedSignature.from_fn = staticmethod(from_fn)


def add_routes_quickly() -> None:
    """Litestar goes through all routes of an application for each that is added, twice: for another one at its address, and for
    addresses that exclude each other. Ours are hundreds; the processes that other tests start have them looked through.
    """
    every = cast("property", Router.route_handler_method_map)

    class Known:
        """What `register` asks of the map."""

        def __init__(self, router: Router) -> None:
            self._router = router

        def get(self, path: str, default: Any) -> Any:
            route = next((route for route in self._router.routes if route.path == path), None)
            if not isinstance(route, HTTPRoute):
                return default
            return {method: handler for handler in route.route_handlers for method in handler.http_methods}

        def items(self) -> Any:
            return every.__get__(self._router).items()

    Router.route_handler_method_map = property(Known)  # pyright: ignore[reportAttributeAccessIssue]
    asgi_router.validate_node = lambda node: None  # pyright: ignore[reportPrivateImportUsage]


@contextmanager
def cheap_passwords() -> Generator[None]:
    """Hashes that are made and checked in no time, for people who sign in at the beginning of tests of something else."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crypto, "_hasher", argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
        yield
