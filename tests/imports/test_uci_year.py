"""The real year, through the real importer into the real database: exactly what `../shared/data/README.md` says."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from comptoir.modules.imports.contracts import ImportKind, RunState
from comptoir.runtime.database import Database
from comptoir.surfaces.imports import Report
from imports.conftest import Import
from support import uci

_FIGURES = """
SELECT count(*), sum(total)::bigint, count(*) FILTER (WHERE 'cancellation' = ANY(tags)), count(DISTINCT customer_id),
  count(DISTINCT coalesce(nullif(ship_to->>'country', ''), nullif(ship_to->>'region', ''), 'Unspecified'))
FROM orders.orders
"""
_LINES = """
SELECT count(*), count(*) FILTER (WHERE 'cancellation' = ANY(o.tags)), count(*) FILTER (WHERE o.customer_id IS NULL)
FROM orders.lines l JOIN orders.orders o ON o.id = l.order_id
"""


async def _figures(database: Database) -> tuple[tuple[int, ...], tuple[int, ...]]:
    async with database.read() as reader:
        orders, lines = await reader.row(_FIGURES), await reader.row(_LINES)
    assert orders is not None
    assert lines is not None
    return tuple(orders), tuple(lines)


@pytest.mark.soak
async def test_the_whole_year_reproduces_its_totals(database: Database, do_import: Import, shared: Path) -> None:
    run = await do_import(ImportKind.ORDERS, shared / uci.YEAR)
    report = Report.from_json(run.report)
    assert (run.state, run.position, report.rows) == (RunState.DONE, 525_461, 525_461)
    assert (report.taken, report.adjusted, report.skipped, report.rejected) == (522_196, 3_237, {"nothing_to_record": 28}, {})
    assert report.facets == {
        "invoices": {"distinct": 28_816, "blank_rows": 0},
        "customers": {"distinct": 4_383, "blank_rows": 107_927},
        "countries": {"distinct": 40, "blank_rows": 0},
    }
    orders, lines = await _figures(database)
    # 25,551 orders, 3,237 corrections of stock and 28 rows that say nothing are the 28,816 invoices.
    assert orders == (25_551, 953_948_463, 4_592, 4_383, 40)
    # The rows of corrections and those that say nothing have no customer either: 104,662 + 3,237 + 28 = 107,927.
    assert lines == (522_196, 10_206, 104_662)


async def test_the_first_weeks_of_the_year_reproduce_their_totals(
    database: Database, do_import: Import, shared: Path, tmp_path: Path
) -> None:
    path = tmp_path / "weeks.parquet"
    rows = _first_invoices(shared / uci.YEAR, path, 20_000)
    report = Report.from_json((await do_import(ImportKind.ORDERS, path)).report)
    assert (report.rows, report.rejected) == (len(rows), {})
    exact = sum(Decimal(str(one["UnitPrice"])) * one["Quantity"] for one in rows) * 100
    assert abs(report.net["GBP"] - exact) <= Decimal("0.5")
    orders, lines = await _figures(database)
    cancelled = [one for one in rows if str(one["InvoiceNo"]).startswith("C")]
    assert orders[:3] == (report.outcomes["created"], report.net["GBP"], len({one["InvoiceNo"] for one in cancelled}))
    assert orders[3] == len({one["CustomerID"] for one in rows} - {None})
    assert lines[:2] == (report.taken, len(cancelled))


def _first_invoices(source: Path, path: Path, count: int) -> list[dict[str, Any]]:
    """Copies the first rows, up to the end of an invoice."""
    table = cast("Any", pq).read_table(source)
    invoices = table.column("InvoiceNo").to_pylist()
    while invoices[count] == invoices[count - 1]:
        count += 1
    part = table.slice(0, count)
    cast("Any", pq).write_table(part, path)
    assert isinstance(part, pa.Table)
    return part.to_pylist()
