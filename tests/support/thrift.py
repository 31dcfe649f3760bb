"""What every test would pay again, although none of them is about it."""

from __future__ import annotations

import gc
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FunctionType
from typing import Any

import argon2
import pytest
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


@contextmanager
def cheap_passwords() -> Generator[None]:
    """Hashes that are made and checked in no time, for people who sign in at the beginning of tests of something else."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crypto, "_hasher", argon2.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
        yield
