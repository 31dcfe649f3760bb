"""Parquet as columns of text, one record batch at a time. The only place that touches pyarrow's untyped parquet reader."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

ArrowInvalid = cast("type[Exception]", pa.ArrowInvalid)

_BATCH = 16_384


def columns(path: Path) -> Mapping[str, bool]:
    """The columns by name, and whether each holds text; raises ArrowInvalid for a file that is no parquet."""
    schema: Any = pq.read_schema(path)
    return {
        field.name: bool(
            pa.types.is_string(field.type) or pa.types.is_large_string(field.type) or pa.types.is_dictionary(field.type)
        )
        for field in schema
    }


def row_count(path: Path) -> int:
    return int(pq.read_metadata(path).num_rows)


def text_batches(path: Path, names: Sequence[str]) -> Iterator[list[list[str]]]:
    """For each record batch, the named columns as lists of text."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=_BATCH, columns=list(names)):
            yield [_as_text(batch.column(batch.schema.get_field_index(name))) for name in names]


def _as_text(column: Any) -> list[str]:
    """Doubles in their shortest form, times as ISO 8601, nulls and not-a-numbers as empty text."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.dictionary_decode()
    elif pa.types.is_floating(kind):
        return ["" if value is None or value != value else _shortest(value) for value in column.to_pylist()]  # noqa: PLR0124
    elif pa.types.is_timestamp(kind):
        text = cast("Any", pc).strftime(column, format="%Y-%m-%dT%H:%M:%S" + ("%z" if kind.tz else ""))
        return cast("list[str]", pc.fill_null(text, "").to_pylist())
    elif pa.types.is_nested(kind) or pa.types.is_binary(kind):
        return ["" if value is None else str(value) for value in column.to_pylist()]
    return cast("list[str]", pc.fill_null(column.cast(pa.string()), "").to_pylist())


def _shortest(value: float) -> str:
    text = repr(value)
    return text.removesuffix(".0")
