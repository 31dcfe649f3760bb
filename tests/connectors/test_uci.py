"""UCI Online Retail: the published year to the row and the penny, and each odd kind of row by itself."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from comptoir.connectors.uci import BAD_DEBT, CANCELLATION, LAYOUT, line_kind
from comptoir.sdk.orderfiles import (
    OrderFile,
    Outcome,
    RejectedRow,
    SkippedRow,
    StockAdjustmentRow,
    TakenOrder,
    Tally,
    order_total,
)
from comptoir.sdk.orders import LineKind, OrderKind
from comptoir.sdk.tabular import Options, open_table
from connectors.order_renderers import Writing, write_table

HEADER = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")
PUBLISHED = ("Invoice", "StockCode", "Description", "Quantity", "InvoiceDate", "Price", "Customer ID", "Country")


def test_the_year_comes_out_to_the_row_and_the_penny(shared: Path) -> None:
    path = shared / "data" / "uci_online_retail" / "online_retail_2009_2010.parquet"
    file, tally = OrderFile(LAYOUT, [open_table(path)]), Tally()
    kinds: Counter[LineKind] = Counter()
    stock: Counter[str] = Counter()
    quantity, seen = 0, 0
    for settled in file.settle():
        tally.add(settled)
        assert settled.position > seen
        seen = settled.position
        for outcome in settled.outcomes:
            if isinstance(outcome, TakenOrder):
                kinds.update(line.kind for line in outcome.order.lines)
                assert all(line.quantity >= 1 for line in outcome.order.lines)
            elif isinstance(outcome, StockAdjustmentRow):
                stock["found" if outcome.quantity > 0 else "lost"] += 1
                quantity += outcome.quantity
    assert (tally.rows, file.rows, seen) == (525_461, 525_461, 525_461)
    assert len(file.facets["invoices"].values) == file.groups == 28_816
    assert (tally.tags[CANCELLATION], tally.tagged_rows[CANCELLATION]) == (4_592, 10_206)
    assert (len(file.facets["customers"].values), file.facets["customers"].blank_rows) == (4_383, 107_927)
    assert len(file.facets["countries"].values) == 40
    assert tally.net == {"GBP": 953_948_463}
    # Every row, by what became of it.
    assert (tally.ordered_rows, tally.adjusted_rows, dict(tally.skipped), dict(tally.rejected)) == (
        522_196,
        3_237,
        {"nothing_to_record": 28},
        {},
    )
    assert dict(tally.orders) == {OrderKind.SALE: 20_956, OrderKind.CREDIT: 4_595}
    assert tally.tags[BAD_DEBT] == 3
    assert dict(tally.cautions) == {"credit_charges": 1}
    assert dict(stock) == {"lost": 2_119, "found": 1_118}
    assert kinds == {
        LineKind.ITEM: 519_258,
        LineKind.SHIPPING: 1_733,
        LineKind.ADJUSTMENT: 1_084,
        LineKind.FEE: 74,
        LineKind.GIFT_CARD: 47,
    }


@pytest.mark.parametrize(
    ("header", "dates", "writing"),
    [
        (HEADER, "%Y-%m-%d %H:%M:%S", Writing()),
        (PUBLISHED, "%d/%m/%Y %H:%M", Writing(";", "cp1252", ",")),
        (PUBLISHED, "%m/%d/%Y %H:%M", Writing("\t", "utf-8-sig", order=3)),
    ],
)
def test_a_csv_of_real_rows_in_any_dialect_reads_as_the_parquet_does(
    shared: Path, tmp_path: Path, header: tuple[str, ...], dates: str, writing: Writing
) -> None:
    source = shared / "data" / "uci_online_retail" / "online_retail_2009_2010.parquet"
    # 24,000 rows from the middle of the month on, so that the dates show their order.
    table = pq.read_table(source).slice(16_000, 24_000)
    pq.write_table(table, tmp_path / "some.parquet")
    rows = (
        dict(
            zip(
                header,
                (
                    row["InvoiceNo"], row["StockCode"], row["Description"], str(row["Quantity"]),
                    row["InvoiceDate"].strftime(dates),
                    repr(row["UnitPrice"]).replace(".", writing.mark),
                    "" if row["CustomerID"] is None else f"{row['CustomerID']}.0",
                    row["Country"],
                ),
                strict=True,
            )
        )
        for row in table.to_pylist()
    )  # fmt: skip
    as_text = write_table(tmp_path / "some.csv", header, rows, writing)
    expected = OrderFile(LAYOUT, [open_table(tmp_path / "some.parquet")])
    got = OrderFile(LAYOUT, [open_table(as_text)])
    assert list(got.settle()) == list(expected.settle())


def read(folder: Path, *rows: tuple[str, ...]) -> list[Outcome]:
    path = write_table(folder / "uci.csv", HEADER, [dict(zip(HEADER, row, strict=True)) for row in rows], Writing())
    file = OrderFile(LAYOUT, [open_table(path)], Options(decimal="."))
    return [outcome for settled in file.settle() for outcome in settled.outcomes]


def row(
    invoice: str = "500001",
    code: str = "85048",
    name: str = "MUG",
    quantity: str = "2",
    price: str = "1.25",
    customer: str = "13085",
) -> tuple[str, ...]:
    return (invoice, code, name, quantity, "2010-07-01 09:00:00", price, customer, "EIRE")


def test_a_sale_with_a_repeated_row_has_two_lines(tmp_path: Path) -> None:
    (taken,) = read(tmp_path, row(), row())
    assert isinstance(taken, TakenOrder)
    order = taken.order
    assert (order.kind, order.placed_at, order.version) == (
        OrderKind.SALE,
        datetime(2010, 7, 1, 8, tzinfo=UTC),
        "2010-07-01T08:00:00Z",
    )
    assert [(line.amount, line.quantity, line.shipped, line.unit_price) for line in order.lines] == [
        (250, 2, 2, Decimal("1.25"))
    ] * 2
    assert order.ship_to is not None
    assert (order.ship_to.country, order.buyer.external_id) == ("IE", "13085")


def test_a_cancellation_has_negative_amounts_and_counts_units(tmp_path: Path) -> None:
    (taken,) = read(tmp_path, row("C500002", quantity="-2"))
    assert isinstance(taken, TakenOrder)
    assert (taken.order.kind, taken.order.tags, order_total(taken.order)) == (OrderKind.CREDIT, (CANCELLATION,), -250)
    assert [(line.quantity, line.shipped) for line in taken.order.lines] == [(2, 0)]


def test_bad_debt_is_a_credit_with_an_adjustment(tmp_path: Path) -> None:
    (taken,) = read(tmp_path, row("A506401", "B", "Adjust bad debt", "1", "-53594.36", ""))
    assert isinstance(taken, TakenOrder)
    assert (taken.order.kind, taken.order.tags) == (OrderKind.CREDIT, (BAD_DEBT,))
    assert [(line.kind, line.amount, line.sku) for line in taken.order.lines] == [(LineKind.ADJUSTMENT, -5_359_436, "")]


def test_a_row_without_price_and_customer_corrects_stock_and_elsewhere_is_free(tmp_path: Path) -> None:
    damaged, freebie, vouchers = read(
        tmp_path,
        row("500003", name="damaged", quantity="-7", price="0.0", customer=""),
        row("500004", price="0", customer="12000"),
        row("500005", "gift_0001_20", "nan", "30", "0.0", ""),
    )
    assert isinstance(damaged, StockAdjustmentRow)
    assert (damaged.sku, damaged.quantity, damaged.reason, damaged.external_id) == ("85048", -7, "damaged", "500003")
    assert isinstance(freebie, TakenOrder)
    assert [(line.amount, line.quantity) for line in freebie.order.lines] == [(0, 2)]
    assert isinstance(vouchers, SkippedRow)


def test_fractions_of_a_penny_are_carried_to_the_next_of_their_kind_only(tmp_path: Path) -> None:
    rows = [
        row(f"50001{n}", "PADS", price="0.001", quantity="1") if n % 2 else row(f"50001{n}", price="0.01", quantity="1")
        for n in range(10)
    ]
    rows += [row(f"50002{n}", "PADS", price="0.001", quantity="1") for n in range(9)]
    outcomes = read(tmp_path, *rows)
    amounts = [order_total(outcome.order) for outcome in outcomes if isinstance(outcome, TakenOrder)]
    assert sum(amounts) == 6  # 5 whole pennies and 14 tenths of one
    assert amounts[:10:2] == [1] * 5


def test_units_that_go_back_on_an_invoice_that_is_no_cancellation_are_rejected(tmp_path: Path) -> None:
    (rejected,) = read(tmp_path, row(quantity="-2"))
    assert isinstance(rejected, RejectedRow)
    assert rejected.code == "negative_quantity"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("POST", LineKind.SHIPPING), ("DOT", LineKind.SHIPPING), ("C2", LineKind.SHIPPING),
        ("gift_0001_30", LineKind.GIFT_CARD),
        ("BANK CHARGES", LineKind.FEE), ("AMAZONFEE", LineKind.FEE), ("CRUK", LineKind.FEE), ("M", LineKind.ADJUSTMENT),
        ("m", LineKind.ADJUSTMENT), ("D", LineKind.ADJUSTMENT), ("S", LineKind.ADJUSTMENT), ("ADJUST2", LineKind.ADJUSTMENT),
        ("TEST001", LineKind.ADJUSTMENT), ("PADS", LineKind.ITEM), ("SP1002", LineKind.ITEM), ("DCGS0076", LineKind.ITEM),
        ("85048", LineKind.ITEM), ("79323W", LineKind.ITEM),
    ],
)  # fmt: skip
def test_a_code_says_what_its_line_is(code: str, kind: LineKind) -> None:
    assert line_kind(code) is kind
