"""PostgreSQL arrays in binary form, for the statements that write a whole batch at once.

psycopg adapts a list element by element in Python; on the capture path that alone cost more than the rest of the request.
These pack a column with one `bytes.join`. Format: PostgreSQL's `array_send` (one dimension, lower bound 1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from struct import Struct, error
from typing import ClassVar, Self, TypeVar
from uuid import UUID

from psycopg import adapters
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

_HEADER = Struct("!iiIii")
_EMPTY = Struct("!iiI")
_LENGTH = Struct("!i")
_INT4 = Struct("!ii")
_INT8 = Struct("!iq")
_UUID_HEAD = b"\x00\x00\x00\x10"
_NULL = b"\xff\xff\xff\xff"


class Packed:
    """A column, ready to be sent; one subclass per element type."""

    element_oid: ClassVar[int]
    __slots__ = ("data",)

    def __init__(self, count: int, body: bytes, *, nulls: bool = False) -> None:
        oid = self.element_oid
        self.data = _HEADER.pack(1, int(nulls), oid, count, 1) + body if count else _EMPTY.pack(0, 0, oid)

    def times(self, count: int) -> Self:
        """A column of `count` times this one's only value."""
        _, nulls, *_ = _HEADER.unpack_from(self.data)
        return type(self)(count, self.data[_HEADER.size :] * count, nulls=bool(nulls))


class Bytea(Packed):
    element_oid = 17


class Int8(Packed):
    element_oid = 20


class Int4(Packed):
    element_oid = 23


class Text(Packed):
    element_oid = 25


class Uuid(Packed):
    element_oid = 2950


class _PackedDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Packed) -> Buffer | None:
        return obj.data


def _register(kind: type[Packed], array_oid: int) -> None:
    adapters.register_dumper(kind, type(f"{kind.__name__}Dumper", (_PackedDumper,), {"oid": array_oid}))


_register(Bytea, 1001)
_register(Int8, 1016)
_register(Int4, 1007)
_register(Text, 1009)
_register(Uuid, 2951)


T = TypeVar("T")
P = TypeVar("P", bound=Packed)


def _column(pack: Callable[[Sequence[T]], P]) -> Callable[[Sequence[T]], P]:
    """Most columns of a batch hold the same value throughout: that is packed once."""

    def packed(values: Sequence[T]) -> P:
        if len(values) > 1 and values[0] == values[-1] and values.count(values[0]) == len(values):
            return pack(values[:1]).times(len(values))
        return pack(values)

    return packed


def _numbers(pack: Callable[[int, int], bytes], size: int, values: Sequence[int]) -> bytes:
    """Raises OverflowError for a number that PostgreSQL would not hold."""
    try:
        return b"".join([pack(size, value) for value in values])
    except error as problem:
        if max(map(abs, values)) >> (8 * size - 1):
            raise OverflowError(f"a number needs more than {size} bytes") from problem
        raise


@_column
def int4s(values: Sequence[int]) -> Packed:
    return Int4(len(values), _numbers(_INT4.pack, 4, values))


@_column
def int8s(values: Sequence[int]) -> Packed:
    return Int8(len(values), _numbers(_INT8.pack, 8, values))


@_column
def uuids(values: Sequence[UUID]) -> Packed:
    return Uuid(len(values), b"".join([_UUID_HEAD + value.bytes for value in values]))


@_column
def optional_uuids(values: Sequence[UUID | None]) -> Packed:
    body = b"".join([_NULL if value is None else _UUID_HEAD + value.bytes for value in values])
    return Uuid(len(values), body, nulls=True)


def _sized(values: Iterable[bytes]) -> bytes:
    pack = _LENGTH.pack
    return b"".join([pack(len(value)) + value for value in values])


@_column
def texts(values: Sequence[str]) -> Packed:
    return Text(len(values), _sized([value.encode() for value in values]))


@_column
def optional_texts(values: Sequence[str | None]) -> Packed:
    pack = _LENGTH.pack
    parts: list[bytes] = []
    for value in values:
        if value is None:
            parts.append(_NULL)
        else:
            raw = value.encode()
            parts.append(pack(len(raw)) + raw)
    return Text(len(values), b"".join(parts), nulls=True)


@_column
def raw_texts(values: Sequence[bytes]) -> Packed:
    """Texts that are UTF-8 already, such as encoded JSON."""
    return Text(len(values), _sized(values))


@_column
def byteas(values: Sequence[bytes]) -> Packed:
    return Bytea(len(values), _sized(values))


@_column
def optional_raw_texts(values: Sequence[bytes | None]) -> Packed:
    """As `raw_texts`, with nulls."""
    pack = _LENGTH.pack
    return Text(len(values), b"".join([_NULL if value is None else pack(len(value)) + value for value in values]), nulls=True)
