"""For tests that schemathesis makes: in a file of its own, because it takes a second to import."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from schemathesis.pytest import _test_builder


def build_operations_later() -> None:
    """schemathesis makes the requests of each operation when tests are collected, in every worker: more than half of that time.
    Here each is made by the worker that sends it, when it does.
    """
    build: Callable[..., Callable[..., None]] = _test_builder.build_operation_test

    def later(*, test_func: Callable[..., None], **asked: Any) -> Callable[..., None]:
        def test(**fixtures: Any) -> None:
            build(test_func=test_func, **asked)(**fixtures)

        of_pytest = [one for name, one in inspect.signature(test_func).parameters.items() if name != "case"]
        vars(test)["__signature__"] = inspect.Signature(of_pytest)
        vars(test)["pytestmark"] = getattr(test_func, "pytestmark", [])
        return test

    _test_builder.build_operation_test = later
