"""Lists: pages by key, counts that stay cheap, and streams for exports.

A page goes on after the key of the row that it ended with, never after so many rows: it costs the same at the end of a list as
at its beginning, and a row that was there all along is met exactly once, whatever is added or removed meanwhile.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

import msgspec
from psycopg.rows import TupleRow

from comptoir.kernel.checking import invalid
from comptoir.runtime.database import Reader

T = TypeVar("T")
U = TypeVar("U")

MAX_LIMIT = 200
COUNT_EXACTLY_TO = 10_000
_BATCH = 1000
_MAX_CURSOR = 4096


class KeyKind(StrEnum):
    """What a sort key holds; the value is its PostgreSQL type."""

    TEXT = "text"
    INTEGER = "bigint"
    INSTANT = "timestamptz"
    ID = "uuid"


_TYPES: dict[KeyKind, Any] = {
    KeyKind.TEXT: str,
    KeyKind.INTEGER: Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)],
    KeyKind.INSTANT: Annotated[datetime, msgspec.Meta(tz=True)],
    KeyKind.ID: UUID,
}


@dataclass(frozen=True, slots=True)
class Key:
    """An expression to sort by. It is never null."""

    sql: str
    kind: KeyKind = KeyKind.TEXT


@dataclass(frozen=True)
class Sort:
    """An order of rows: its keys all go the same way, so that one index serves it, and the last of them is unique."""

    name: str
    keys: tuple[Key, ...]
    descending: bool = False

    @cached_property
    def signature(self) -> str:
        """Tells this order from every other one, so that a cursor is never read as a place in another list."""
        text = repr((self.name, self.descending, self.keys))
        return base64.urlsafe_b64encode(hashlib.blake2s(text.encode(), digest_size=6).digest()).decode()

    def order_by(self, *, backwards: bool) -> str:
        way = "DESC" if self.descending != backwards else "ASC"
        return ", ".join(f"{key.sql} {way}" for key in self.keys)


def sorts(*orders: tuple[str, Sequence[Key]]) -> dict[str, Sort]:
    """The orders of a list by name, each also backwards as `-name`."""
    both = [(Sort(name, tuple(keys)), Sort(f"-{name}", tuple(keys), descending=True)) for name, keys in orders]
    return {sort.name: sort for pair in both for sort in pair}


@dataclass(frozen=True, slots=True)
class Place:
    """Between two rows of a sorted list: `values` are the keys of the row beside it."""

    values: tuple[object, ...]
    backwards: bool = False
    inclusive: bool = False


def encode_cursor(sort: Sort, place: Place) -> str:
    packed = msgspec.json.encode([sort.signature, int(place.backwards) | int(place.inclusive) << 1, *place.values])
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def decode_cursor(sort: Sort, text: str) -> Place:
    """Raises Invalid for anything that `encode_cursor` did not write for this very order."""
    try:
        return _place(sort, text)
    except (ValueError, msgspec.MsgspecError) as problem:
        raise invalid("cursor", "is not one that this list gave in this order: begin again without it") from problem


def _place(sort: Sort, text: str) -> Place:
    packed = base64.b64decode(text[:_MAX_CURSOR] + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    signature, way, *values = msgspec.json.decode(packed, type=list[object])
    if signature != sort.signature or not isinstance(way, int) or not 0 <= way <= 3:
        msg = "of another list"
        raise ValueError(msg)
    typed = [msgspec.convert(value, _TYPES[key.kind]) for key, value in zip(sort.keys, values, strict=True)]
    if "\0" in "".join(value for value in typed if isinstance(value, str)):
        msg = "PostgreSQL knows no text with NUL"
        raise ValueError(msg)
    return Place(tuple(typed), backwards=bool(way & 1), inclusive=bool(way & 2))


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows of a list, and the cursors of the pages around it; None where there is nothing more that way."""

    items: list[T]
    next: str | None = None
    previous: str | None = None

    def map(self, change: Callable[[T], U]) -> Page[U]:
        return Page([change(item) for item in self.items], self.next, self.previous)


@dataclass(frozen=True, slots=True)
class Count:
    """How many rows a list has; the planner's guess where counting them would take long."""

    rows: int
    exact: bool


_MAX_WORDS = 8
_LAST_CHARACTER = "\U0010ffff"
_LIKE_SPECIAL = str.maketrans({"\\": r"\\", "%": r"\%", "_": r"\_"})


def storable(text: str) -> str:
    """The text as PostgreSQL can be asked about it: what it cannot hold (NUL, half a surrogate pair) is replaced."""
    return text.replace("\0", "\ufffd").encode(errors="replace").decode()


def _like(text: str) -> str:
    """A LIKE pattern that finds the text anywhere."""
    return f"%{text.translate(_LIKE_SPECIAL)}%"


@dataclass(slots=True)
class Where:
    """Conditions that all hold, with their parameters."""

    conditions: list[str] = field(default_factory=list[str])
    params: dict[str, object] = field(default_factory=dict[str, object])

    def add(self, condition: str, **params: object) -> None:
        self.conditions.append(condition)
        self.params.update(params)

    def equal(self, column: str, value: object) -> None:
        """Where `value` is not None: the column has it."""
        if value is not None:
            name = column.replace(".", "_")
            self.add(f"{column} = %({name})s", **{name: storable(value) if isinstance(value, str) else value})

    def search(self, text: str, words: str, *, code: str | None = None, ways: Sequence[str] = (), **params: object) -> None:
        """Where the text is not empty: its words all occur in `words`, or `code` begins with it, or one of `ways` holds.

        Accents and capitals do not count among words; a trigram index on `runtime.plain(words)` serves them.
        """
        clean = storable(text).strip()
        if not clean:
            return
        patterns = {f"word{n}": _like(word) for n, word in enumerate(clean.split()[:_MAX_WORDS])}
        matches = [f"runtime.plain({words}) LIKE runtime.plain(%({name})s)" for name in patterns]
        all_words = f"({' AND '.join(matches)})"
        if code is None:
            self.add(f"({' OR '.join([all_words, *ways])})", **patterns, **params)
        else:
            self.begins(code, clean, ways=[all_words, *ways], **patterns, **params)

    def begins(self, column: str, text: str, *, ways: Sequence[str] = (), **params: object) -> None:
        """Where the text is not empty: the column (a `KeyText`, in byte order) begins with it, or one of `ways` holds."""
        clean = storable(text).strip()
        if clean:
            begins = f"({column} >= %(begins)s AND {column} < %(begins_before)s)"
            self.add(f"({' OR '.join([begins, *ways])})", begins=clean, begins_before=clean + _LAST_CHARACTER, **params)

    @property
    def sql(self) -> str:
        return f"WHERE {' AND '.join(self.conditions)}" if self.conditions else ""

    def beyond(self, sort: Sort, place: Place) -> Where:
        """These conditions, and only what comes after the place, looking its way."""
        sign = "<" if sort.descending != place.backwards else ">"
        sign += "=" if place.inclusive else ""
        columns = ", ".join(key.sql for key in sort.keys)
        values = ", ".join(f"%(key{n})s::{key.kind.value}" for n, key in enumerate(sort.keys))
        keys = {f"key{n}": value for n, value in enumerate(place.values)}
        return Where([*self.conditions, f"({columns}) {sign} ({values})"], self.params | keys)


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """A list of `T`: the SQL of its columns, where they come from, how a row becomes one, and the orders that it can have."""

    columns: str
    source: str
    make: Callable[[TupleRow], T]
    sorts: Mapping[str, Sort]

    def sort(self, name: str) -> Sort:
        found = self.sorts.get(name)
        if found is None:
            raise invalid("sort", f"is one of {', '.join(self.sorts)}")
        return found

    async def page(self, reader: Reader, where: Where, *, sort: str, limit: int = 50, cursor: str | None = None) -> Page[T]:
        """One page. Raises Invalid for a limit outside 1 to 200, an unknown sort and a foreign cursor."""
        if not 1 <= limit <= MAX_LIMIT:
            raise invalid("limit", f"is a whole number from 1 to {MAX_LIMIT}")
        order = self.sort(sort)
        place = None if cursor is None else decode_cursor(order, cursor)
        backwards = place is not None and place.backwards
        rows = await self._rows(reader, where, order, place, limit + 1)
        more = len(rows) > limit
        rows = rows[:limit]
        if backwards:
            rows.reverse()
        if not rows:
            return Page([], *_around_nothing(order, place))
        width = len(order.keys)
        first, last = rows[0][-width:], rows[-1][-width:]
        return Page(
            [self.make(row[:-width]) for row in rows],
            next=encode_cursor(order, Place(last)) if more or backwards else None,
            previous=encode_cursor(order, Place(first, backwards=True)) if (more if backwards else place) else None,
        )

    async def stream(self, reader: Reader, where: Where, *, sort: str) -> AsyncIterator[T]:
        """Every row, in order, in memory a thousand at a time.

        It reads by key rather than through one long statement, so that a slow reader of an export holds no snapshot and meets
        no timeout. Give it a `Database.transaction(snapshot=True)` where all rows must be of one moment.
        """
        order = self.sort(sort)
        width = len(order.keys)
        place: Place | None = None
        while rows := await self._rows(reader, where, order, place, _BATCH):
            for row in rows:
                yield self.make(row[:-width])
            if len(rows) < _BATCH:
                return
            place = Place(rows[-1][-width:])

    async def count(self, reader: Reader, where: Where) -> Count:
        """Exact up to COUNT_EXACTLY_TO rows, the planner's guess above."""
        bounded = f"SELECT count(*) FROM (SELECT FROM {self.source} {where.sql} LIMIT {COUNT_EXACTLY_TO + 1}) AS bounded"
        found = int(await reader.value(bounded, where.params))
        if found <= COUNT_EXACTLY_TO:
            return Count(found, exact=True)
        plan = await reader.value(f"EXPLAIN (FORMAT JSON) SELECT FROM {self.source} {where.sql}", where.params)
        return Count(max(found, int(plan[0]["Plan"]["Plan Rows"])), exact=False)

    async def _rows(self, reader: Reader, where: Where, sort: Sort, place: Place | None, limit: int) -> list[TupleRow]:
        within = where if place is None else where.beyond(sort, place)
        keys = ", ".join(key.sql for key in sort.keys)
        backwards = place is not None and place.backwards
        return await reader.rows(
            f"SELECT {self.columns}, {keys} FROM {self.source} {within.sql} "
            f"ORDER BY {sort.order_by(backwards=backwards)} LIMIT {limit}",
            within.params,
        )


def _around_nothing(sort: Sort, place: Place | None) -> tuple[str | None, str | None]:
    """The cursors of an empty page: the way back includes the row that it was reached from."""
    if place is None:
        return None, None
    back = encode_cursor(sort, replace(place, backwards=not place.backwards, inclusive=not place.inclusive))
    return (back, None) if place.backwards else (None, back)
