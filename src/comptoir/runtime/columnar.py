"""Large answers of the database as columns: millions of rows go through no Python object each."""

from __future__ import annotations

import importlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from comptoir.runtime.database import Reader

Kind = Literal["int64", "float64", "text"]


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """A column of texts in which few are different: for each row its number in `values`. Null is the empty text."""

    codes: NDArray[np.int32]
    values: list[str]

    def each(self) -> list[str]:
        """The text of each row."""
        return [self.values[code] for code in self.codes.tolist()]


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """An answer. A null is -1 among integers, NaN among floats."""

    rows: int
    numbers: Mapping[str, NDArray[Any]]
    texts: Mapping[str, Texts]


_CHUNK = 200_000
"""Rows in one text: below the gigabyte that a value may have, however long they are."""
_BETWEEN = "\x1f"


async def columns(reader: Reader, select: str, params: Mapping[str, object], kinds: Mapping[str, Kind]) -> Columns:
    """What a SELECT gives, as columns of these names and kinds, in its order. No text among them has control characters.

    The database writes many rows into one text: whatever is done for each row here, be it as little as taking it from the
    connection, takes longer than that.
    """
    names = ", ".join(f'"{name}"' for name in kinds)
    fields = ", ".join(f"coalesce(\"{name}\"::text, '')" for name in kinds)
    statement = f"""
WITH said ({names}) AS MATERIALIZED ({select}), numbered AS (
  SELECT row_number() OVER () AS n, concat_ws(E'\\x1f', {fields}) AS line FROM said
)
SELECT string_agg(line, E'\\n' ORDER BY n) FROM numbered GROUP BY n / {_CHUNK} ORDER BY n / {_CHUNK}"""
    data = "\n".join(await reader.values(statement, params))
    return _read(data.encode(), kinds)


def _read(data: bytes, kinds: Mapping[str, Kind]) -> Columns:
    numbers: dict[str, NDArray[Any]] = {}
    texts: dict[str, Texts] = {}
    if not data:
        for name, kind in kinds.items():
            if kind == "text":
                texts[name] = Texts(np.empty(0, np.int32), [])
            else:
                numbers[name] = np.empty(0, kind)
        return Columns(0, numbers, texts)
    arrow: Any = importlib.import_module("pyarrow")  # takes long to import, and few processes ever ask
    csv: Any = importlib.import_module("pyarrow.csv")
    types = {name: arrow.dictionary(arrow.int32(), arrow.string()) if kind == "text" else kind for name, kind in kinds.items()}
    table = csv.read_csv(
        io.BytesIO(data),
        read_options=csv.ReadOptions(column_names=list(kinds)),
        parse_options=csv.ParseOptions(delimiter=_BETWEEN, quote_char=False),
        convert_options=csv.ConvertOptions(column_types=types, null_values=[""], strings_can_be_null=False),
    )
    for name, kind in kinds.items():
        column = table.column(name).unify_dictionaries().combine_chunks() if kind == "text" else table.column(name)
        if kind == "text":
            texts[name] = Texts(column.indices.to_numpy(zero_copy_only=False), column.dictionary.to_pylist())
        elif kind == "int64":
            numbers[name] = column.fill_null(-1).to_numpy()
        else:
            numbers[name] = column.to_numpy()
    return Columns(table.num_rows, numbers, texts)
