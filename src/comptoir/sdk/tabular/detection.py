"""How the bytes of a text file become cells: its encoding, separator, quoting and the line that its header is on."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice

from charset_normalizer import from_bytes

SEPARATORS = (",", ";", "\t", "|")
SAMPLE_BYTES = 1 << 18
_SAMPLE_ROWS = 200
_PREAMBLE_ROWS = 30

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def detect_encoding(chunks: Iterable[bytes]) -> str:
    """The encoding of a file, on the evidence of all of its bytes.

    A byte order mark decides. Else UTF-8, when every byte of the file is valid in it (other encodings' accents practically
    never are); else cp1252, which is what Windows and Excel write; else what charset-normalizer makes of the first part.
    """
    stream = iter(chunks)
    first = next(stream, b"")
    for mark, encoding in _BOMS:
        if first.startswith(mark):
            return encoding
    if wide := _wide_without_mark(first):
        return wide
    candidates = {name: codecs.getincrementaldecoder(name)() for name in ("utf-8", "cp1252")}
    for chunk in _with_end(first, stream):
        for name in list(candidates):
            try:
                candidates[name].decode(chunk, final=not chunk)
            except UnicodeDecodeError:
                del candidates[name]
        if not candidates:
            best = from_bytes(first[:SAMPLE_BYTES]).best()
            return best.encoding if best else "latin-1"
    return next(iter(candidates))


def _with_end(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from (chunk for chunk in rest if chunk)
    yield b""


def _wide_without_mark(sample: bytes) -> str | None:
    """UTF-16 without a mark: nearly every second byte of Western text is zero."""
    head = sample[:4096]
    if len(head) < 4:
        return None
    half = len(head) // 2
    if head[1::2].count(0) > 0.7 * half and head[::2].count(0) < 0.1 * half:
        return "utf-16-le"
    if head[::2].count(0) > 0.7 * half and head[1::2].count(0) < 0.1 * half:
        return "utf-16-be"
    return None


def detect_separator(sample: str) -> str:
    """The separator under which the first rows agree best on how many cells a row has; a comma for a single column.

    Excel's own `sep=;` first line decides where there is one.
    """
    first_line = sample.lstrip().partition("\n")[0].strip()
    if first_line.lower().startswith("sep=") and len(first_line) == 5:
        return first_line[-1]
    return max(SEPARATORS, key=lambda separator: _agreement(sample, separator))


def _agreement(sample: str, separator: str) -> tuple[float, int, int]:
    widths = [len(row) for row in sample_rows(sample, separator) if any(cell.strip() for cell in row)]
    wide = [width for width in widths if width > 1]
    if not wide:
        return (0.0, 0, -SEPARATORS.index(separator))
    width, count = Counter(wide).most_common(1)[0]
    return (round(count / len(widths), 1), width, -SEPARATORS.index(separator))


def sample_rows(sample: str, separator: str, *, quoted: bool = True) -> list[list[str]]:
    """The first rows of a sample; the last one is left out when the sample may have cut it."""
    reader = csv.reader(
        io.StringIO(sample, newline=""), delimiter=separator, quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
    )
    rows: list[list[str]] = []
    try:
        rows.extend(islice(reader, _SAMPLE_ROWS))
    except csv.Error:
        return rows
    return rows[:-1] if len(sample) >= SAMPLE_BYTES // 4 and len(rows) > 2 else rows


def detect_quoting(lines: Iterable[str], separator: str) -> bool:
    """Whether quotes enclose cells, on the evidence of all lines.

    Only tab-separated files are in doubt: flat files often have quotes that enclose nothing ("Best" mug). They do enclose where
    every cell that begins with one also ends with one, be it lines later, and has only doubled ones within.
    """
    if separator != "\t":
        return True
    enclosed = opened = False
    for line in lines:
        if '"' not in line:
            continue
        cells = line.rstrip("\r\n").split(separator)
        if opened and cells[0].endswith('"') and cells[0].count('"') % 2:
            opened, enclosed, cells = False, True, cells[1:]
        if cells and cells[-1].startswith('"') and cells[-1].count('"') % 2:
            opened, cells = True, cells[:-1]
        quoted = [cell for cell in cells if cell.startswith('"')]
        if not all(_is_enclosed(cell) for cell in quoted):
            return False
        enclosed = enclosed or bool(quoted)
    return enclosed and not opened


def _is_enclosed(cell: str) -> bool:
    return len(cell) > 1 and cell.endswith('"') and '"' not in cell[1:-1].replace('""', "")


def find_header(rows: Iterable[list[str]]) -> int | None:
    """The index of the header among the first rows: blank rows and a few lines of title above it are passed over."""
    first: int | None = None
    for index, row in enumerate(islice(rows, _PREAMBLE_ROWS)):
        filled = sum(bool(cell.strip()) for cell in row)
        if filled == 1 and row[0].strip().lower().startswith("sep="):
            continue
        if filled > 1:
            return index
        if filled == 1 and first is None:
            first = index
    return first


def unique_names(header: Iterable[str]) -> tuple[str, ...]:
    """The header's names without the spaces around them; a repeated or empty one is told apart by a number."""
    seen: Counter[str] = Counter()
    names: list[str] = []
    for position, cell in enumerate(header, start=1):
        name = " ".join(cell.replace("\ufeff", "").split()) or f"column {position}"
        seen[name.casefold()] += 1
        count = seen[name.casefold()]
        names.append(name if count == 1 else f"{name} ({count})")
    return tuple(names)
