"""A file of rows, opened: csv, tsv, txt or parquet, plain or gzipped, read as a stream as often as wanted.

Every cell is text, whatever the file is: a parquet double becomes the shortest decimal that reads back as the same double, a
time becomes ISO 8601, a null becomes the empty text. Nothing is lost by it, and a rejected row can be written out as it came.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol, cast

from comptoir.kernel.errors import Refusal
from comptoir.kernel.money import Currency
from comptoir.sdk.tabular import parquet
from comptoir.sdk.tabular.detection import (
    SAMPLE_BYTES,
    detect_encoding,
    detect_quoting,
    detect_separator,
    find_header,
    sample_rows,
    unique_names,
)
from comptoir.sdk.tabular.formats import DateOrder, DecimalMark

OWN_COLUMNS = "comptoir_"
"""Columns whose names begin with this are our own remarks in a file of rejected rows; they are not read back."""

MAX_CELL = 1 << 20
"""No cell is longer: it is rather a quote that was never closed and swallows the rest of the file."""

_CHUNK = 1 << 20
_WATCH_EVERY = 2_000


class UnreadableFile(Refusal):
    """The file as a whole cannot be read; `data["advice"]` says what to do."""

    code = "file_unreadable"
    status = 422
    title = "The file cannot be read"


class MissingSku(StrEnum):
    """What stands in for a SKU that a row lacks."""

    REJECT = "reject"
    LISTING = "listing"
    """The listing's id on the channel with the channel's name before it (`ebay:3344…`), where the format has one."""
    TITLE = "title"
    """As LISTING, else a name made from the item's title (`title:red-mug-large`)."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the person who imports sets. None means: decide on the evidence of the file."""

    encoding: str | None = None
    separator: str | None = None
    quoted: bool | None = None
    decimal: DecimalMark | None = None
    """For all columns of numbers; otherwise each column is decided on its own."""
    date_order: DateOrder | None = None
    time_zone: str | None = None
    """IANA name, for times without an offset; None is the layout's own (UTC where it has none)."""
    currency: Currency | None = None
    """For files that name no currency."""
    tax_included: bool | None = None
    missing_sku: MissingSku = MissingSku.LISTING


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file is written, as set or as found."""

    kind: str
    """`text` or `parquet`."""
    encoding: str = ""
    separator: str = ""
    quoted: bool = True
    header_row: int = 0
    """How many records of the text stand above the header."""
    compressed: bool = False
    found: Collection[str] = field(default=())
    """Names of the settings that were found rather than set."""


class Row(NamedTuple):
    """One row. `line` is the physical line on which it begins, from 1 and counting the header.

    A parquet file has no lines: its first row is 2, as if the header stood on line 1.
    """

    line: int
    cells: dict[str, str]
    problem: str = ""
    """Why the row as such cannot be trusted (too many cells, NUL bytes, a cell without an end); empty when it can."""


class Progress(NamedTuple):
    """How far one pass over a file has come: bytes of a text file (compressed ones when it is), rows of a parquet file."""

    done: int
    total: int


Watch = Callable[[Progress], None]


class Table(Protocol):
    """An opened file: its header, how it is written, and its rows as often as they are asked for."""

    @property
    def path(self) -> Path: ...
    @property
    def header(self) -> tuple[str, ...]: ...
    @property
    def dialect(self) -> Dialect: ...
    @property
    def written(self) -> Collection[str]:
        """The columns that people or programs have written as text, so that their numbers and dates need interpretation."""
        ...

    def rows(self, columns: Collection[str] | None = None, watch: Watch | None = None) -> Iterator[Row]:
        """The rows from the top; with `columns`, perhaps only these cells (where leaving out the others saves time)."""
        ...


def open_table(path: Path | str, options: Options | None = None) -> Table:
    """The file at `path`; raises UnreadableFile when it is empty, has no header or is no table."""
    path, options = Path(path), options or Options()
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            magic = stream.read(8)
    except OSError as problem:
        raise UnreadableFile(f"{path.name}: {problem.strerror}", advice="Check the path and the permissions.") from problem
    if size == 0:
        raise UnreadableFile(f"{path.name} is empty", advice="Export it again.")
    if magic.startswith(b"PAR1"):
        return _open_parquet(path)
    if magic.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise UnreadableFile(f"{path.name} is a workbook", advice="Save the sheet as CSV UTF-8 and import that.")
    return _open_text(path, options, compressed=magic.startswith(b"\x1f\x8b"))


def _open_parquet(path: Path) -> Table:
    try:
        columns = parquet.columns(path)
    except parquet.ArrowInvalid as problem:
        raise UnreadableFile(f"{path.name} is a damaged parquet file", advice="Copy or export it again.") from problem
    if not columns:
        raise UnreadableFile(f"{path.name} has no columns", advice="Export it again.")
    return ParquetTable(path, columns)


@dataclass(frozen=True, slots=True)
class ParquetTable:
    path: Path
    columns: Mapping[str, bool]
    """Which columns there are, and whether each is text."""

    @property
    def header(self) -> tuple[str, ...]:
        return tuple(name for name in self.columns if not name.startswith(OWN_COLUMNS))

    @property
    def dialect(self) -> Dialect:
        return Dialect("parquet")

    @property
    def written(self) -> Collection[str]:
        return frozenset(name for name, is_text in self.columns.items() if is_text)

    def rows(self, columns: Collection[str] | None = None, watch: Watch | None = None) -> Iterator[Row]:
        names = [name for name in self.header if columns is None or name in columns]
        total, line = parquet.row_count(self.path), 1
        for batch in parquet.text_batches(self.path, names):
            for line, cells in enumerate(zip(*batch, strict=True), start=line + 1):  # noqa: B020 - counts on over the batches
                problem = "" if not any("\0" in cell for cell in cells) else "The row has NUL bytes."
                yield Row(line, dict(zip(names, cells, strict=True)), problem)
            if watch:
                watch(Progress(line - 1, total))


def _chunks(path: Path, *, compressed: bool) -> Iterator[bytes]:
    with _open_bytes(path, compressed=compressed) as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk


def _open_bytes(path: Path, *, compressed: bool) -> BinaryIO:
    return cast("BinaryIO", gzip.open(path, "rb")) if compressed else path.open("rb")


def _open_text(path: Path, options: Options, *, compressed: bool) -> Table:
    encoding = options.encoding or ""
    try:
        encoding = encoding or detect_encoding(_chunks(path, compressed=compressed))
        with _open_bytes(path, compressed=compressed) as stream:
            sample = stream.read(SAMPLE_BYTES).decode(encoding, errors="ignore")
    except (EOFError, gzip.BadGzipFile) as problem:
        raise UnreadableFile(f"{path.name} is a damaged gzip file", advice="Copy or export it again.") from problem
    except (LookupError, UnicodeError) as problem:
        raise UnreadableFile(f"{encoding!r} is not an encoding", advice="Leave the encoding to be detected.") from problem
    separator = options.separator or detect_separator(sample)
    quoted = options.quoted
    if quoted is None:
        with TextIOWrapper(_open_bytes(path, compressed=compressed), encoding, errors="replace") as lines:
            quoted = detect_quoting(lines, separator)
    above = find_header(rows := sample_rows(sample, separator, quoted=quoted))
    if above is None:
        raise UnreadableFile(f"{path.name} has no header", advice="The first line must name the columns.")
    settings = {"encoding": options.encoding, "separator": options.separator, "quoted": options.quoted}
    found = frozenset(name for name, value in settings.items() if value is None)
    return TextTable(path, unique_names(rows[above]), Dialect("text", encoding, separator, quoted, above, compressed, found))


@dataclass(frozen=True, slots=True)
class TextTable:
    path: Path
    names: tuple[str, ...]
    dialect: Dialect

    @property
    def header(self) -> tuple[str, ...]:
        return tuple(name for name in self.names if not name.startswith(OWN_COLUMNS))

    @property
    def written(self) -> Collection[str]:
        return frozenset(self.names)

    def rows(self, columns: Collection[str] | None = None, watch: Watch | None = None) -> Iterator[Row]:
        del columns  # A line of text is split as a whole.
        total = self.path.stat().st_size
        raw = self.path.open("rb")
        with raw, gzip.open(raw, "rb") if self.dialect.compressed else raw as stream:
            text = TextIOWrapper(cast("BinaryIO", stream), self.dialect.encoding, errors="replace", newline="")
            for count, row in enumerate(self._read(text)):
                yield row
                if watch and count % _WATCH_EVERY == 0:
                    watch(Progress(min(raw.tell(), total), total))
            if watch:
                watch(Progress(total, total))

    def _read(self, text: TextIOWrapper) -> Iterator[Row]:
        reader = csv.reader(
            text,
            delimiter=self.dialect.separator,
            quoting=csv.QUOTE_MINIMAL if self.dialect.quoted else csv.QUOTE_NONE,
        )
        names, own = self.names, any(name.startswith(OWN_COLUMNS) for name in self.names)
        width, skip = len(names), self.dialect.header_row + 1
        csv.field_size_limit(MAX_CELL)
        while True:
            line = reader.line_num + 1
            try:
                cells = next(reader, None)
            except csv.Error as problem:
                yield Row(line, {}, f"Lines {line} to {reader.line_num} cannot be told apart: {problem}.")
                continue
            if cells is None:
                return
            if skip:
                skip -= 1
                continue
            if not cells:
                continue
            row = dict(zip(names, cells, strict=False))
            if own:
                row = {name: cell for name, cell in row.items() if not name.startswith(OWN_COLUMNS)}
            yield Row(line, row, _problem(cells, width))


def _problem(cells: list[str], width: int) -> str:
    if len(cells) != width and any(cell.strip() for cell in cells[width:]):
        return f"The row has {len(cells)} cells, the header {width}."
    text = "".join(cells)
    if text.isprintable():
        return ""
    if "\0" in text:
        return "The row has NUL bytes."
    return "The row has bytes that are not text in this encoding." if "\ufffd" in text else ""
