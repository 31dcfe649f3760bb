"""Rows of one order brought together, wherever in the file they stand, in bounded memory."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

from comptoir.sdk.orderfiles.contract import RowId

MAX_HELD = 100_000
"""Rows held in memory while their order is incomplete; beyond that they wait on disk."""


class Held(NamedTuple):
    """A row that waits for the others of its order."""

    row: RowId
    cells: dict[str, str]
    problem: str


class Gathering(AbstractContextManager["Gathering"]):
    """Takes rows one by one and gives back an order's rows when its last one has come.

    `last` has, for every order, the number of its last row: one small entry per order is all that is kept of the whole file.
    Rows of orders that are far from complete go to a temporary file when there are many.
    """

    def __init__(self, last: Mapping[str, int], max_held: int = MAX_HELD) -> None:
        self._last = last
        self._open: dict[str, list[Held]] = {}
        self._held = 0
        self._max_held = max_held
        self._spilled: dict[str, list[int]] = {}
        self._file = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed on exit

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, key: str, number: int, held: Held) -> list[Held] | None:
        """All rows of this order when `held`, the file's row `number`, is its last one."""
        if self._last[key] == number and key not in self._open and key not in self._spilled:
            return [held]
        self._open.setdefault(key, []).append(held)
        self._held += 1
        if self._last[key] == number:
            rows = self._open.pop(key)
            self._held -= len(rows)
            return [*self._recall(key), *rows]
        if self._held > self._max_held:
            self._spill()
        return None

    def _spill(self) -> None:
        """Write out the orders that end last until half of the room is free."""
        self._file.seek(0, 2)
        for key in sorted(self._open, key=self._last.__getitem__, reverse=True):
            rows = self._open.pop(key)
            self._spilled.setdefault(key, []).append(self._file.tell())
            self._file.write(json.dumps(rows) + "\n")
            self._held -= len(rows)
            if self._held <= self._max_held // 2:
                return

    def _recall(self, key: str) -> Iterator[Held]:
        for offset in self._spilled.pop(key, ()):
            self._file.seek(offset)
            rows: list[Any] = json.loads(self._file.readline())
            for row, cells, problem in rows:
                yield Held(RowId(*row), cells, problem)
