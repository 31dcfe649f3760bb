"""How an importer reads its file: in chunks, each of which commits with the position after it."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from comptoir.modules.imports.contracts import RunId
from comptoir.runtime.database import Context, Database, Reader, Tx
from comptoir.sdk.orderfiles import RejectedRow
from comptoir.surfaces.imports.advice import Origin
from comptoir.surfaces.imports.report import Report

T = TypeVar("T")


class Seen(NamedTuple):
    """How far an import is: `phase` is reading or importing; `total` 0 means that nobody knows yet."""

    phase: str
    done: int
    total: int


Watch = Callable[[Seen], None]


@dataclass(frozen=True, slots=True)
class Chunk(Generic[T]):
    """A part of a file, item by item, each with the position of the file after it."""

    items: Sequence[tuple[int, T]]

    @property
    def position(self) -> int:
        return self.items[-1][0]

    def halves(self) -> tuple[Chunk[T], Chunk[T]]:
        middle = len(self.items) // 2
        return Chunk(self.items[:middle]), Chunk(self.items[middle:])


class Importer(ABC, Generic[T]):
    """One opened file, and what is done with its rows. `apply` and `preview` add to the report what they did or would do."""

    layout: str = ""
    size: int = 0
    """What `position` comes to at the end; 0 when it is not known before."""
    run_id: RunId | None = None
    """The run that this is for, which the stock ledger names as a cause; None for a dry run."""
    origin: Origin = Origin.COMMAND
    """Whose words the advice for rejected rows is in."""

    @property
    @abstractmethod
    def headers(self) -> Sequence[tuple[Sequence[str], str]]:
        """The header and the separator of each file, for the file of rejected rows."""

    async def prepare(self, database: Database, context: Context, report: Report) -> None:
        """Makes what must be there before; not called for a dry run."""

    @abstractmethod
    def chunks(self, after: int) -> Iterator[Chunk[T]]:
        """What comes after a position. Runs in a thread."""

    @abstractmethod
    async def apply(self, tx: Tx, chunk: Chunk[T], report: Report) -> Sequence[RejectedRow]:
        """Does it, and gives the rows that could not be taken."""

    @abstractmethod
    async def preview(self, reader: Reader, chunk: Chunk[T], report: Report) -> Sequence[RejectedRow]:
        """What `apply` would do, without doing anything."""

    @abstractmethod
    def reject(self, item: T, problem: Exception) -> Sequence[RejectedRow]:
        """The rows of an item that breaks by itself."""

    def conclude(self, report: Report) -> None:
        """Adds what only the end of the file can tell."""


async def ahead(chunks: Iterator[T]) -> AsyncIterator[T]:
    """The chunks one by one; the next is read in a thread while the last is being written."""
    coming = asyncio.create_task(asyncio.to_thread(next, chunks, None))
    try:
        while (chunk := await coming) is not None:
            coming = asyncio.create_task(asyncio.to_thread(next, chunks, None))
            yield chunk
    finally:
        await asyncio.wait({coming})  # a thread cannot be cancelled, and two in one generator would break it
