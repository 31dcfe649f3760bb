"""`comptoir import bins`: location, sku, bin, and if wanted zone and sequence.

A row without a SKU says of a bin where it is; a row without a bin takes its SKU out of the one that it has.
"""

from __future__ import annotations

from collections.abc import Iterator

from comptoir.connectors.plain.reading import plain_file, read_rows, whole_number
from comptoir.sdk.orderfiles import Field, FieldKind, Record, RejectedRow, item_sku
from comptoir.sdk.records import BinRecord
from comptoir.sdk.tabular import Options, Table, Watch

_LONGEST = 40
_MAX_SEQUENCE = 1_000_000

BIN_FIELDS = (
    Field("location", ("location", "location_code", "store", "store_id", "site", "magasin"), required=True),
    Field("sku", ("sku", "reference", "référence", "article"), required=True),
    Field("bin", ("bin", "bin_code", "shelf", "emplacement", "casier"), required=True),
    Field("zone", ("zone", "area", "aisle", "allée")),
    Field("sequence", ("sequence", "walk", "order", "rank", "ordre", "séquence"), FieldKind.NUMBER),
)


def read_bins(table: Table, options: Options | None = None, watch: Watch | None = None) -> Iterator[BinRecord | RejectedRow]:
    """The file's bins in order; raises MissingColumns and Undecided before the first."""
    return read_rows(plain_file(table, BIN_FIELDS, options or Options()).records(watch), _bin)


def _bin(record: Record) -> BinRecord:
    sku = item_sku(record, "sku") if record.text("sku") else ""
    code = record.text("bin")
    if not sku and not code:
        record.refuse("no_bin", "It names neither a SKU nor a bin.", "Write both, or delete the row.")
    for name in ("bin", "zone"):
        text = record.text(name)
        if len(text) > _LONGEST or not text.isprintable():
            record.refuse("bad_bin", f"{name}: {text[:60]!r} is no code of at most {_LONGEST} letters.", f"Correct {name}.")
    return BinRecord(
        line=record.row.line,
        location=record.needed("location"),
        sku=sku,
        bin=code,
        zone=record.text("zone") or None,
        sequence=whole_number(record, "sequence", most=_MAX_SEQUENCE),
    )
