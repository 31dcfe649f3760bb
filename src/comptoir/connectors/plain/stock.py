"""`comptoir import stock`: sku, location, on_hand, and if wanted safety, lot and expires.

There are two ways through a file, with the same result. Rows one by one take any file. Column batches, by pyarrow, take a
million rows in about a second; they need text in UTF-8 without quotes, and hand
over to the first way where a file is not like that.
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from comptoir.connectors.plain.reading import PlainFile, plain_file, read_rows, whole_number
from comptoir.kernel.quantities import MAX_QUANTITY, MAX_SKU_LENGTH, Sku
from comptoir.sdk.orderfiles import Field, FieldKind, Record, RejectedRow, item_sku
from comptoir.sdk.records import StockRecord
from comptoir.sdk.tabular import Options, Progress, Table, Watch

_NUMBER, _DATE = FieldKind.NUMBER, FieldKind.DATE
_LONGEST_LOT = 40
_BLOCK = 1 << 22
_BATCH = 65_536
_UNSET = -1
_DIGITS = r"^\d{1,9}$"
TextColumn = Any
"""A pyarrow array of strings, which has no types of its own."""

_compute = cast("Any", pc)

STOCK_FIELDS = (
    Field("sku", ("sku", "reference", "référence", "article"), required=True),
    Field("location", ("location", "location_code", "store", "store_id", "emplacement", "magasin"), required=True),
    Field("on_hand", ("on_hand", "quantity", "qty", "stock", "quantité"), _NUMBER, required=True),
    Field("safety", ("safety", "safety_stock", "stock_sécurité"), _NUMBER),
    Field("lot", ("lot", "lot_code", "lot_number", "batch", "batch_number", "numéro_de_lot")),
    Field("expires", ("expires", "expires_on", "expiry", "expiry_date", "best_before", "péremption", "dlc", "ddm"), _DATE),
)


@dataclass(frozen=True, slots=True)
class StockBatch:
    """Many stock records as columns of equal length, in the order of the file."""

    lines: npt.NDArray[np.int64]
    skus: TextColumn
    locations: TextColumn
    on_hand: npt.NDArray[np.int64]
    safety: npt.NDArray[np.int64]
    """-1 where the file does not say."""

    def __len__(self) -> int:
        return len(self.lines)

    def records(self) -> Iterator[StockRecord]:
        """The same, one by one."""
        columns = (
            self.lines.tolist(),
            self.skus.to_pylist(),
            self.locations.to_pylist(),
            self.on_hand.tolist(),
            self.safety.tolist(),
        )
        for line, sku, location, on_hand, safety in zip(*columns, strict=True):
            yield StockRecord(line, Sku(sku), location, on_hand, None if safety == _UNSET else safety)


def read_stock(table: Table, options: Options | None = None, watch: Watch | None = None) -> Iterator[StockRecord | RejectedRow]:
    """The file's stock row by row; raises MissingColumns and Undecided before the first."""
    return read_rows(plain_file(table, STOCK_FIELDS, options or Options()).records(watch), _stock)


def read_stock_batches(
    table: Table, options: Options | None = None, watch: Watch | None = None
) -> Iterator[StockBatch | RejectedRow]:
    """The file's stock in batches, the rejected rows of each batch after it; raises as `read_stock` does."""
    file = plain_file(table, STOCK_FIELDS, options or Options())
    return _by_columns(file, watch) if _is_simple(table) else _in_batches(read_rows(file.records(watch), _stock))


def _stock(record: Record) -> StockRecord:
    record.needed("sku")
    record.needed("on_hand")
    on_hand = whole_number(record, "on_hand", most=MAX_QUANTITY)
    assert on_hand is not None
    return StockRecord(
        line=record.row.line,
        sku=Sku(item_sku(record, "sku")),
        location=record.needed("location"),
        on_hand=on_hand,
        safety=whole_number(record, "safety", most=MAX_QUANTITY),
        lot=_lot(record),
        expires=record.day("expires"),
    )


def _lot(record: Record) -> str:
    text = record.text("lot")
    if len(text) > _LONGEST_LOT:
        record.refuse("lot_too_long", f"lot: {text!r} has more than {_LONGEST_LOT} characters.", "Correct the lot.")
    return text


def _in_batches(rows: Iterator[StockRecord | RejectedRow]) -> Iterator[StockBatch | RejectedRow]:
    while chunk := list(islice(rows, _BATCH)):
        records = [row for row in chunk if isinstance(row, StockRecord)]
        if records:
            yield StockBatch(
                np.array([record.line for record in records], np.int64),
                _texts([record.sku for record in records]),
                _texts([record.location for record in records]),
                np.array([record.on_hand for record in records], np.int64),
                np.array([_UNSET if record.safety is None else record.safety for record in records], np.int64),
            )
        yield from (row for row in chunk if isinstance(row, RejectedRow))


def _texts(values: Sequence[str]) -> TextColumn:
    return pa.array(values, pa.string())


def _is_simple(table: Table) -> bool:
    """Whether lines and rows are the same thing: a plain UTF-8 file without quotes, NUL bytes or lone carriage returns."""
    dialect = table.dialect
    if (
        dialect.compressed
        or dialect.header_row
        or dialect.encoding not in {"utf-8", "utf-8-sig"}
        or "encoding" not in dialect.found
    ):
        return False
    if set(table.header) != set(table.written):
        return False
    with table.path.open("rb") as stream:
        while chunk := stream.read(_BLOCK):
            if chunk.endswith(b"\r"):
                chunk += stream.read(1)
            if b'"' in chunk or b"\0" in chunk or chunk.count(b"\r") != chunk.count(b"\r\n"):
                return False
    return True


def _by_columns(file: PlainFile, watch: Watch | None) -> Iterator[StockBatch | RejectedRow]:
    """Batches of all rows that are as they should be at first sight, then the others, each looked at by itself."""
    uneven: list[int] = []
    doubtful: set[int] = set()
    line, total = 2, file.table.path.stat().st_size
    reader = _open_columns(file, uneven)
    for count, batch in enumerate(reader, start=1):
        lines = _line_numbers(line, batch.num_rows, uneven)
        fine, clean = _clean(batch, file)
        doubtful.update(lines[~fine].tolist())
        if len(clean[0]):
            yield StockBatch(lines[fine], *clean)
        line = int(lines[-1]) + 1 if len(lines) else line
        if watch:
            watch(Progress(min(count * _BLOCK, total), total))
    doubtful.update(uneven)
    if doubtful:
        chosen = (record for record in file.records() if record.row.line in doubtful)
        yield from _in_batches(read_rows(chosen, _stock))


def _open_columns(file: PlainFile, uneven: list[int]) -> Any:
    """Pyarrow's reader of the wanted columns as text; the lines with more or fewer cells than the header go to `uneven`."""

    def note(row: Any) -> str:
        uneven.append(int(row.number))
        return "skip"

    wanted = list(file.columns.values())
    return cast("Any", pa_csv).open_csv(
        file.table.path,
        read_options=pa_csv.ReadOptions(
            block_size=_BLOCK, use_threads=False, column_names=list(file.table.header), skip_rows=1
        ),
        parse_options=pa_csv.ParseOptions(
            delimiter=file.table.dialect.separator, quote_char=False, ignore_empty_lines=False, invalid_row_handler=note
        ),
        convert_options=pa_csv.ConvertOptions(
            include_columns=wanted, column_types=dict.fromkeys(wanted, pa.string()), strings_can_be_null=False
        ),
    )


def _line_numbers(first: int, count: int, uneven: Sequence[int]) -> npt.NDArray[np.int64]:
    """The lines of a batch's rows: consecutive, but for the lines that were left out."""
    everything = np.arange(first, first + count + len(uneven), dtype=np.int64)
    return everything[~np.isin(everything, np.array(uneven, np.int64))][:count]


def _clean(batch: Any, file: PlainFile) -> tuple[npt.NDArray[np.bool_], tuple[Any, Any, Any, Any]]:
    """Which rows are plainly valid, and their columns (sku, location, on hand, safety)."""
    text = {field: _compute.utf8_trim_whitespace(batch.column(column)) for field, column in file.columns.items()}
    sku, location, on_hand = text["sku"], text["location"], text["on_hand"]
    safety = text.get("safety", pa.array([""] * batch.num_rows, pa.string()))
    length = _compute.utf8_length(sku)
    tests = (
        _compute.greater(length, 0),
        _compute.less_equal(length, MAX_SKU_LENGTH),
        _compute.utf8_is_printable(sku),
        _compute.greater(_compute.utf8_length(location), 0),
        _compute.match_substring_regex(on_hand, _DIGITS),
        _compute.match_substring_regex(safety, f"{_DIGITS}|^$"),
    )
    fine: npt.NDArray[np.bool_] = np.logical_and.reduce([test.to_numpy(zero_copy_only=False) for test in tests])
    if not fine.all():
        mask = pa.array(fine)
        sku, location, on_hand, safety = (column.filter(mask) for column in (sku, location, on_hand, safety))
    safety = _compute.if_else(_compute.equal(safety, ""), str(_UNSET), safety)
    return fine, (sku, location, *(column.cast(pa.int64()).to_numpy() for column in (on_hand, safety)))
