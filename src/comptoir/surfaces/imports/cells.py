"""The cells of rows that were found wanting only after they had been read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from comptoir.sdk.orderfiles import RejectedRow, RowId
from comptoir.sdk.tabular import Table

MAX_REASON = 500


def cells_at(tables: Sequence[Table], rows: Collection[RowId]) -> dict[RowId, Mapping[str, str]]:
    """One more pass over the files that these rows are in."""
    found: dict[RowId, Mapping[str, str]] = {}
    for number, table in enumerate(tables):
        wanted = {row.line for row in rows if row.file == number}
        if not wanted:
            continue
        for row in table.rows():
            if row.line in wanted:
                found[RowId(number, row.line)] = row.cells
                wanted.discard(row.line)
                if not wanted:
                    break
    return found


def reject_rows(tables: Sequence[Table], wrong: Mapping[RowId, tuple[str, str, str]]) -> list[RejectedRow]:
    """Rejected rows with their cells, from (code, reason, advice) by row."""
    cells = cells_at(tables, wrong.keys()) if wrong else {}
    return [
        RejectedRow(row, code, reason[:MAX_REASON], advice, cells.get(row, {}))
        for row, (code, reason, advice) in sorted(wrong.items())
    ]
