"""Orders rendered into each vendor's layout and read back are the same orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from comptoir.connectors import amazon, ebay, etsy, shopify, uci, woocommerce
from comptoir.connectors.orderlayouts import ORDER_LAYOUTS
from comptoir.kernel.money import Currency
from comptoir.sdk.orderfiles import (
    OrderFile,
    OrderFileLayout,
    Outcome,
    RejectedRow,
    SkippedRow,
    TakenOrder,
    choose_layout,
    order_total,
    order_version,
    share_discount,
    share_tax,
)
from comptoir.sdk.orders import (
    Address,
    Buyer,
    ChannelLine,
    ChannelOrder,
    ChannelPayment,
    Discount,
    LineKind,
    PaymentKind,
    Tax,
)
from comptoir.sdk.tabular import DateOrder, MissingSku, Options, open_table
from connectors.order_renderers import (
    WOO_BY_ITEM,
    WOO_BY_ORDER,
    Writing,
    amazon_rows,
    ebay_rows,
    etsy_item_rows,
    etsy_order_row,
    header_of,
    shopify_rows,
    woo_row_by_order,
    woo_rows_by_item,
    write_table,
)

GBP, EUR, USD = Currency("GBP"), Currency("EUR"), Currency("USD")
SHOPIFY, AMAZON, EBAY = (
    "HEADER_shopify_orders_export.csv",
    "HEADER_amazon_all_orders_by_last_update_flat_file.tsv",
    "HEADER_ebay_orders_report.csv",
)
ETSY_ORDERS, ETSY_ITEMS = "HEADER_etsy_sold_orders.csv", "HEADER_etsy_sold_order_items.csv"

WORD = st.text("abcdéüñ€'’;,|&-\"0", min_size=1, max_size=10).map(lambda text: f"x{text}x")
DAYS = st.datetimes(datetime(2024, 1, 1), datetime(2026, 11, 1)).map(lambda at: at.replace(microsecond=0, tzinfo=UTC))  # noqa: DTZ001
CENTS = st.integers(1, 100_000)
WRITINGS = st.builds(
    Writing,
    separator=st.sampled_from([",", ";", "\t", "|"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "cp1252", "utf-16"]),
    mark=st.sampled_from([".", ","]),
    end=st.sampled_from(["\r\n", "\n"]),
    order=st.integers(0, 50),
)
ROUND_TRIP = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@st.composite
def item_lines(draw: st.DrawFn, skus: st.SearchStrategy[str] = WORD) -> list[ChannelLine]:
    lines: list[ChannelLine] = []
    for number in range(draw(st.integers(1, 4))):
        quantity, cents = draw(st.integers(1, 5)), draw(CENTS)
        lines.append(
            ChannelLine(
                LineKind.ITEM,
                draw(WORD),
                quantity,
                quantity * cents,
                sku=draw(skus),
                unit_price=Decimal(cents).scaleb(-2),
                external_id=str(9000 + number),
            )
        )
    return lines


ADDRESSES = st.builds(
    Address,
    name=WORD,
    line1=WORD,
    line2=WORD,
    postcode=WORD,
    city=WORD,
    region=WORD,
    country=st.sampled_from(["FR", "GB", "US"]),
    phone=WORD,
)


def finish(order: ChannelOrder, *, paid: bool, method: str = "card", reference: str = "") -> ChannelOrder:
    """The order with its payment, and the version that a file gives it."""
    total = order_total(order)
    if not paid or total <= 0:
        return replace(order, version=order_version(order.placed_at))
    payment = ChannelPayment(PaymentKind.CAPTURED, method, total, order.placed_at, reference)
    return replace(order, version=order_version(order.placed_at), payments=(payment,))


@st.composite
def shopify_orders(draw: st.DrawFn) -> ChannelOrder:
    items = [replace(line, shipped=draw(st.sampled_from([0, line.quantity])), external_id="") for line in draw(item_lines())]
    worth = sum(line.amount for line in items)
    items = share_discount(items, draw(st.integers(0, worth // 2)), "SPRING")
    lines = list(items)
    if cost := draw(st.integers(0, 2000)):
        lines.append(ChannelLine(LineKind.SHIPPING, "Colissimo", 1, cost))
    included = draw(st.booleans())
    for name, rate in (("TVA 20%", Decimal("0.2")), ("Eco", None)):
        lines = share_tax(lines, draw(st.integers(0, 500)), name, rate)
    bill = structs.replace(draw(ADDRESSES), company=draw(WORD))
    order = ChannelOrder(
        external_id=f"#{draw(st.integers(1, 10**6))}",
        version="",
        placed_at=draw(DAYS),
        currency=EUR,
        lines=tuple(lines),
        tax_included=included or not any(line.taxes for line in lines),
        buyer=Buyer(name=bill.name, email=draw(WORD), phone=draw(WORD), company=bill.company),
        ship_to=draw(st.none() | ADDRESSES),
        bill_to=bill,
        note=draw(WORD),
        tags=("vip", "gift"),
    )
    return finish(order, paid=draw(st.booleans()), reference="ref")


@st.composite
def amazon_orders(draw: st.DrawFn) -> ChannelOrder:
    included = draw(st.booleans())

    def charged(line: ChannelLine) -> ChannelLine:
        tax, off = draw(st.integers(0, 300)), draw(st.integers(0, 300))
        label = draw(WORD) if line.kind is LineKind.ITEM else ""
        return replace(line, taxes=(Tax(tax),) if tax else (), discounts=(Discount(off, label),) if off else ())

    lines = [charged(replace(line, unit_price=None, external_id="", shipped=line.quantity)) for line in draw(item_lines())]
    if cost := draw(st.integers(0, 2000)):
        lines.append(charged(ChannelLine(LineKind.SHIPPING, "Expedited", 1, cost)))
    if cost := draw(st.integers(0, 2000)):
        lines.append(replace(charged(ChannelLine(LineKind.GIFT_WRAP, "Gift wrap", 1, cost)), discounts=()))
    placed, business = draw(DAYS), draw(st.booleans())
    address = Address(city=draw(WORD), region=draw(WORD), postcode=draw(WORD), country="FR")
    return ChannelOrder(
        external_id=f"402-{draw(st.integers(10**6, 10**7))}-{draw(st.integers(10**6, 10**7))}",
        version=order_version(placed + timedelta(hours=draw(st.integers(0, 99)))),
        placed_at=placed,
        currency=EUR if included else USD,
        lines=tuple(lines),
        tax_included=included,
        buyer=Buyer(purchase_order=draw(WORD) if business else ""),
        ship_to=address,
        tags=("business",) if business else (),
    )


@st.composite
def ebay_orders(draw: st.DrawFn) -> ChannelOrder:
    shipped = draw(st.booleans())
    lines = [replace(line, shipped=line.quantity * shipped) for line in draw(item_lines(WORD | st.just("ebay:334455")))]
    if cost := draw(st.integers(0, 2000)):
        lines.append(ChannelLine(LineKind.SHIPPING, "Tracked 48", 1, cost))
    lines = share_tax(lines, draw(st.integers(0, 500)), "Seller collected tax")
    name = draw(WORD)
    order = ChannelOrder(
        external_id=f"11-{draw(st.integers(10_000, 99_999))}",
        version="",
        placed_at=draw(DAYS).replace(hour=0, minute=0, second=0),
        currency=GBP,
        lines=tuple(lines),
        tax_included=False,
        buyer=Buyer(name=name, email=draw(WORD), external_id=draw(WORD)),
        ship_to=draw(ADDRESSES),
        bill_to=Address(name=name),
        note=draw(WORD),
    )
    return finish(order, paid=draw(st.booleans()))


@st.composite
def etsy_orders(draw: st.DrawFn) -> ChannelOrder:
    shipped = draw(st.booleans())
    lines = [replace(line, shipped=line.quantity * shipped) for line in draw(item_lines(WORD | st.just("etsy:778899")))]
    worth = sum(line.amount for line in lines)
    lines = share_discount(lines, draw(st.integers(0, worth // 2)), "SPRING")
    if cost := draw(st.integers(0, 2000)):
        off = draw(st.integers(0, cost))
        lines.append(ChannelLine(LineKind.SHIPPING, "Shipping", 1, cost, discounts=(Discount(off),) if off else ()))
    lines = share_tax(lines, draw(st.integers(0, 500)), "Sales tax")
    address = structs.replace(draw(ADDRESSES), phone="")
    order = ChannelOrder(
        external_id=str(draw(st.integers(10**8, 10**9))),
        version="",
        placed_at=draw(DAYS).replace(hour=0, minute=0, second=0),
        currency=EUR,
        lines=tuple(lines),
        tax_included=False,
        buyer=Buyer(name=address.name, external_id=draw(WORD)),
        ship_to=address,
    )
    return finish(order, paid=draw(st.booleans()), method="cc")


@st.composite
def woo_orders(draw: st.DrawFn) -> ChannelOrder:
    shipped, paid = draw(st.sampled_from([(True, True), (False, True), (False, False)]))
    names = st.text("abcdéü '-:0", min_size=1, max_size=10).map(lambda text: f"x{text}x")
    lines: list[ChannelLine] = []
    for line in draw(item_lines(names)):
        tax, off = draw(st.integers(0, 300)), draw(st.integers(0, line.amount))
        lines.append(
            replace(
                line,
                unit_price=None,
                shipped=line.quantity * shipped,
                taxes=(Tax(tax),) if tax else (),
                discounts=(Discount(off),) if off else (),
            )
        )
    if cost := draw(st.integers(0, 2000)):
        tax = draw(st.integers(0, 300))
        lines.append(ChannelLine(LineKind.SHIPPING, "Flat rate", 1, cost, taxes=(Tax(tax),) if tax else ()))
    bill = structs.replace(draw(ADDRESSES), company=draw(WORD))
    order = ChannelOrder(
        external_id=str(draw(st.integers(1, 10**6))),
        version="",
        placed_at=draw(DAYS),
        currency=EUR,
        lines=tuple(lines),
        tax_included=False,
        buyer=Buyer(name=bill.name, email=draw(WORD), phone=bill.phone, company=bill.company, external_id="42"),
        ship_to=draw(ADDRESSES),
        bill_to=bill,
        note=draw(WORD),
    )
    order = finish(order, paid=paid)
    return replace(order, version=order_version(order.placed_at, step=3 if shipped else 2 if paid else 0))


def read(layout: OrderFileLayout, *paths: Path, options: Options | None = None) -> list[Outcome]:
    file = OrderFile(layout, [open_table(path) for path in paths], options or Options())
    return [outcome for settled in file.settle() for outcome in settled.outcomes]


def orders(outcomes: Sequence[Outcome]) -> list[ChannelOrder]:
    return [outcome.order for outcome in outcomes if isinstance(outcome, TakenOrder)]


def only(outcomes: Sequence[Outcome]) -> TakenOrder:
    (outcome,) = outcomes
    assert isinstance(outcome, TakenOrder), outcome
    return outcome


def differences(got: Sequence[ChannelOrder], expected: Sequence[ChannelOrder]) -> list[str]:
    """What is not the same, field by field: shorter to read than two orders."""
    if len(got) != len(expected):
        return [f"{len(got)} orders instead of {len(expected)}"]
    pairs = [
        (getattr(one, part.name), getattr(two, part.name), part.name)
        for one, two in zip(got, expected, strict=True)
        for part in fields(one)
    ]
    return [f"{name}: {one!r} instead of {two!r}" for one, two, name in pairs if one != two]


def unique_ids(strategy: st.SearchStrategy[ChannelOrder]) -> st.SearchStrategy[list[ChannelOrder]]:
    return st.lists(strategy, min_size=1, max_size=4, unique_by=lambda order: order.external_id)


def some_folder(factory: pytest.TempPathFactory) -> Path:
    return factory.mktemp("orders")


@ROUND_TRIP
@given(unique_ids(shopify_orders()), WRITINGS)
def test_shopify_orders_survive_their_export(
    shared: Path, tmp_path_factory: pytest.TempPathFactory, some: list[ChannelOrder], writing: Writing
) -> None:
    rows = [row for order in some for row in shopify_rows(order, writing)]
    path = write_table(some_folder(tmp_path_factory) / "orders.csv", header_of(shared, SHOPIFY), rows, writing)
    assert not differences(orders(read(shopify.LAYOUT, path)), some)


@ROUND_TRIP
@given(unique_ids(amazon_orders()), st.sampled_from(["utf-8", "cp1252"]))
def test_amazon_orders_survive_their_flat_file(
    shared: Path, tmp_path_factory: pytest.TempPathFactory, some: list[ChannelOrder], encoding: str
) -> None:
    writing = Writing("\t", encoding)
    rows = [row for order in some for row in amazon_rows(order, writing)]
    path = write_table(some_folder(tmp_path_factory) / "orders.txt", header_of(shared, AMAZON), rows, writing)
    file = OrderFile(amazon.LAYOUT, [open_table(path, Options(quoted=True))])
    assert orders([outcome for settled in file.settle() for outcome in settled.outcomes]) == some


@ROUND_TRIP
@given(unique_ids(ebay_orders()), WRITINGS)
def test_ebay_orders_survive_their_report(
    shared: Path, tmp_path_factory: pytest.TempPathFactory, some: list[ChannelOrder], writing: Writing
) -> None:
    rows = [row for order in some for row in ebay_rows(order, writing)]
    path = write_table(
        some_folder(tmp_path_factory) / "orders.csv",
        header_of(shared, EBAY),
        rows,
        writing,
        above="" if writing.encoding in {"utf-16", "utf-8-sig"} else "\n",
        below=f"\n{len(some)} record(s) downloaded\nSeller ID : shop\n" if writing.encoding != "utf-16" else "",
    )
    outcomes = read(ebay.LAYOUT, path)
    assert not differences(orders(outcomes), some)
    assert {outcome.code for outcome in outcomes if isinstance(outcome, SkippedRow)} <= {"footer"}
    assert not [outcome for outcome in outcomes if isinstance(outcome, RejectedRow)]


@ROUND_TRIP
@given(unique_ids(etsy_orders()), WRITINGS, st.booleans())
def test_etsy_orders_survive_their_two_files_in_either_order(
    shared: Path, tmp_path_factory: pytest.TempPathFactory, some: list[ChannelOrder], writing: Writing, turned: bool
) -> None:
    folder = some_folder(tmp_path_factory)
    first = write_table(
        folder / "a.csv", header_of(shared, ETSY_ORDERS), [etsy_order_row(order, writing) for order in some], writing
    )
    rows = [row for order in some for row in etsy_item_rows(order, writing)]
    second = write_table(folder / "b.csv", header_of(shared, ETSY_ITEMS), rows, writing)
    paths = (second, first) if turned else (first, second)
    options = Options(date_order=DateOrder.MONTH_FIRST)
    got = {order.external_id: order for order in orders(read(etsy.LAYOUT, *paths, options=options))}
    assert got == {order.external_id: order for order in some}


@ROUND_TRIP
@given(unique_ids(etsy_orders()), WRITINGS)
def test_etsy_items_alone_make_the_same_orders(
    shared: Path, tmp_path_factory: pytest.TempPathFactory, some: list[ChannelOrder], writing: Writing
) -> None:
    rows = [row for order in some for row in etsy_item_rows(order, writing)]
    path = write_table(some_folder(tmp_path_factory) / "items.csv", header_of(shared, ETSY_ITEMS), rows, writing)
    bare = [replace(order, ship_to=structs.replace(order.ship_to, line2="")) for order in some if order.ship_to]
    assert not differences(orders(read(etsy.LAYOUT, path, options=Options(date_order=DateOrder.MONTH_FIRST))), bare)


@ROUND_TRIP
@given(unique_ids(woo_orders()), WRITINGS, st.booleans())
def test_woocommerce_orders_survive_both_styles(
    tmp_path_factory: pytest.TempPathFactory, some: list[ChannelOrder], writing: Writing, by_item: bool
) -> None:
    path = some_folder(tmp_path_factory) / "orders.csv"
    if by_item:
        write_table(path, WOO_BY_ITEM, [row for order in some for row in woo_rows_by_item(order, writing)], writing)
        assert not differences(orders(read(woocommerce.LAYOUT, path)), some)
        return
    write_table(path, WOO_BY_ORDER, [woo_row_by_order(order, writing) for order in some], writing)
    bare = [replace(order, lines=tuple(replace(line, external_id="") for line in order.lines)) for order in some]
    assert not differences(orders(read(woocommerce.LAYOUT, path)), bare)


@pytest.mark.parametrize(
    ("name", "layout"),
    [
        (SHOPIFY, shopify.LAYOUT),
        ("HEADER_squarespace_orders.csv", shopify.SQUARESPACE),
        (AMAZON, amazon.LAYOUT),
        ("HEADER_amazon_unshipped_orders_flat_file.tsv", amazon.LAYOUT),
        (EBAY, ebay.LAYOUT),
        (ETSY_ORDERS, etsy.LAYOUT),
        (ETSY_ITEMS, etsy.LAYOUT),
    ],
)
def test_each_vendors_header_chooses_its_layout(shared: Path, name: str, layout: OrderFileLayout) -> None:
    assert choose_layout(ORDER_LAYOUTS, header_of(shared, name)) is layout


@pytest.mark.parametrize(
    "header",
    [
        "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country",
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country",
    ],
)  # fmt: skip
def test_the_published_headers_of_uci_choose_its_layout(header: str) -> None:
    assert choose_layout(ORDER_LAYOUTS, header.split(",")) is uci.LAYOUT


def test_both_styles_of_woocommerce_choose_their_layout() -> None:
    assert choose_layout(ORDER_LAYOUTS, WOO_BY_ITEM) is woocommerce.LAYOUT
    assert choose_layout(ORDER_LAYOUTS, WOO_BY_ORDER) is woocommerce.LAYOUT


def sheet(folder: Path, *rows: dict[str, str], separator: str = ",") -> Path:
    header = list(dict.fromkeys(name for row in rows for name in row))
    return write_table(folder / "orders.csv", header, rows, Writing(separator))


SHOP: dict[str, str] = {
    "Name": "#1", "Currency": "EUR", "Created at": "2026-03-01 10:00:00 +0100", "Financial Status": "paid", "Subtotal": "20.00",
    "Shipping": "5.00", "Taxes": "0.00", "Total": "25.00", "Lineitem quantity": "2", "Lineitem name": "Mug",
    "Lineitem price": "10.00", "Lineitem sku": "MUG",
}  # fmt: skip


def test_what_the_lines_do_not_explain_is_an_adjustment_and_a_caution(tmp_path: Path) -> None:
    taken = only(read(shopify.LAYOUT, sheet(tmp_path, SHOP | {"Total": "26.50"})))
    assert taken.order.lines[-1] == ChannelLine(LineKind.ADJUSTMENT, "Difference to the stated total", 1, 150)
    assert order_total(taken.order) == 2650
    assert [caution.code for caution in taken.cautions] == ["total_adjusted"]


def test_a_discount_of_shipping_is_told_from_one_of_the_goods(tmp_path: Path) -> None:
    taken = only(
        read(shopify.LAYOUT, sheet(tmp_path, SHOP | {"Discount Code": "FREE", "Discount Amount": "5.00", "Total": "20.00"}))
    )
    assert taken.order.lines[-1] == ChannelLine(LineKind.SHIPPING, "Shipping", 1, 500, discounts=(Discount(500, "FREE"),))
    assert not taken.cautions


def test_a_refund_and_a_cancellation_make_newer_versions(tmp_path: Path) -> None:
    first = only(read(shopify.LAYOUT, sheet(tmp_path, SHOP))).order
    later = only(read(shopify.LAYOUT, sheet(tmp_path, SHOP | {"Refunded Amount": "10.00"}))).order
    gone = only(
        read(shopify.LAYOUT, sheet(tmp_path, SHOP | {"Refunded Amount": "25.00", "Cancelled at": "2026-03-02 10:00:00 +0100"}))
    ).order
    assert first.version < later.version < gone.version
    assert later.payments[-1].kind is PaymentKind.REFUNDED
    assert later.payments[-1].amount == 1000
    assert gone.cancelled_at == datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert gone.lines[0].cancelled == 2


def test_the_same_order_pasted_twice_is_taken_once_and_two_versions_of_it_not_at_all(tmp_path: Path) -> None:
    outcomes = read(shopify.LAYOUT, sheet(tmp_path, SHOP, SHOP))
    assert [type(outcome) for outcome in outcomes] == [TakenOrder, SkippedRow]
    outcomes = read(shopify.LAYOUT, sheet(tmp_path, SHOP, SHOP | {"Total": "30.00"}))
    assert [outcome.code for outcome in outcomes if isinstance(outcome, RejectedRow)] == ["order_incomplete", "duplicate_order"]


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"Lineitem quantity": "0"}, "zero_quantity"),
        ({"Lineitem quantity": "-1"}, "negative_quantity"),
        ({"Lineitem quantity": "1.5"}, "fractional_quantity"),
        ({"Lineitem quantity": "many"}, "not_a_number"),
        ({"Lineitem quantity": "9" * 12}, "too_large"),
        ({"Lineitem sku": ""}, "missing_sku"),
        ({"Lineitem sku": "x" * 200}, "bad_sku"),
        ({"Lineitem name": ""}, "missing"),
        ({"Currency": "ABC"}, "unknown_currency"),
        ({"Currency": ""}, "unknown_currency"),
        ({"Created at": "2026-02-30 10:00"}, "bad_date"),
        ({"Created at": ""}, "missing"),
        ({"Total": ""}, "no_order_row"),
        ({"Total": "9" * 30}, "too_large"),
        ({"Name": ""}, "missing"),
    ],
)
def test_a_row_that_cannot_be_taken_says_why_and_what_to_do(tmp_path: Path, cells: dict[str, str], code: str) -> None:
    (row,) = read(shopify.LAYOUT, sheet(tmp_path, SHOP | cells))
    assert isinstance(row, RejectedRow)
    assert (row.code, row.row.line, row.cells) == (code, 2, SHOP | cells)
    assert row.reason
    assert row.advice


def test_a_missing_sku_may_be_made_from_the_title_when_that_is_set(tmp_path: Path) -> None:
    path = sheet(tmp_path, SHOP | {"Lineitem sku": "", "Lineitem name": "Thé Vert, 100 g"})
    assert (
        only(read(shopify.LAYOUT, path, options=Options(missing_sku=MissingSku.TITLE))).order.lines[0].sku
        == "title:the-vert-100-g"
    )


AMAZON_ROW: dict[str, str] = {
    "amazon-order-id": "402-1", "purchase-date": "2026-03-01T10:00:00+00:00", "last-updated-date": "2026-03-02T10:00:00+00:00",
    "order-status": "Shipped", "sales-channel": "Amazon.fr", "product-name": 'Écran 15"', "sku": "SCREEN",
    "item-status": "Shipped", "quantity": "1", "currency": "EUR", "item-price": "99.00", "item-tax": "16.50",
    "shipping-price": "5.00",
    "ship-promotion-discount": "5.00",
}  # fmt: skip


def test_a_cancelled_amazon_item_arrives_although_amazon_empties_it(tmp_path: Path) -> None:
    emptied = {
        "order-status": "Cancelled",
        "item-status": "Cancelled",
        "quantity": "0",
        "currency": "",
        "item-price": "",
        "shipping-price": "",
    }
    taken = only(
        read(
            amazon.LAYOUT,
            sheet(tmp_path, AMAZON_ROW | emptied | {"item-tax": "", "ship-promotion-discount": ""}, separator="\t"),
        )
    )
    (line,) = taken.order.lines
    assert (line.quantity, line.cancelled, line.amount, taken.order.currency) == (1, 1, 0, "EUR")
    assert taken.order.cancelled_at == datetime(2026, 3, 2, 10, tzinfo=UTC)


def test_a_discount_of_amazons_shipping_takes_it_off(tmp_path: Path) -> None:
    taken = only(read(amazon.LAYOUT, sheet(tmp_path, AMAZON_ROW, separator="\t")))
    assert (order_total(taken.order), taken.order.lines[0].name) == (9900, 'Écran 15"')
    assert taken.order.lines[1].discounts == (Discount(500),)


def test_an_amazon_order_without_prices_yet_is_taken_with_a_caution(tmp_path: Path) -> None:
    taken = only(
        read(
            amazon.LAYOUT,
            sheet(
                tmp_path, AMAZON_ROW | {"order-status": "Pending", "item-status": "Unshipped", "item-price": ""}, separator="\t"
            ),
        )
    )
    assert [caution.code for caution in taken.cautions] == ["no_price"]


EBAY_ROW: dict[str, str] = {
    "Order Number": "11-1", "Item Number": "3344", "Item Title": "Mug", "Custom Label": "", "Quantity": "2",
    "Sold For": "$10.00", "Shipping And Handling": "$3.00", "eBay Collected Tax": "$1.00",
    "eBay Collected Tax Included in Total": "Yes",
    "Total Price": "$24.00", "Sale Date": "Nov-03-26",
}  # fmt: skip


def test_ebays_price_is_the_units_unless_only_the_lines_adds_up(tmp_path: Path) -> None:
    by_unit = only(read(ebay.LAYOUT, sheet(tmp_path, EBAY_ROW)))
    by_line = only(read(ebay.LAYOUT, sheet(tmp_path, EBAY_ROW | {"Total Price": "$14.00"})))
    assert [(taken.order.lines[0].amount, order_total(taken.order), taken.cautions) for taken in (by_unit, by_line)] == [
        (2000, 2400, ()),
        (1000, 1400, ()),
    ]
    assert (by_unit.order.lines[0].sku, by_unit.order.currency) == ("ebay:3344", "USD")


def test_ebay_items_without_label_are_rejected_when_that_is_set(tmp_path: Path) -> None:
    (row,) = read(ebay.LAYOUT, sheet(tmp_path, EBAY_ROW), options=Options(missing_sku=MissingSku.REJECT))
    assert isinstance(row, RejectedRow)
    assert row.code == "missing_sku"


def test_etsy_orders_alone_keep_their_sums_and_say_that_the_items_are_unknown(tmp_path: Path) -> None:
    row = {
        "Sale Date": "11/23/26", "Order ID": "77", "Buyer User ID": "ann", "Number of Items": "3", "Currency": "USD",
        "Order Value": "30.00",
        "Discount Amount": "3.00", "Shipping": "5.00", "Sales Tax": "2.00", "Order Total": "34.00",
        "Adjusted Order Total": "24.00",
        "Date Paid": "11/23/26", "Ship Country": "United States", "Status": "", "SKU": "A,B",
    }  # fmt: skip
    taken = only(read(etsy.LAYOUT, sheet(tmp_path, row)))
    assert (order_total(taken.order), [line.kind for line in taken.order.lines]) == (
        3400,
        [LineKind.ADJUSTMENT, LineKind.SHIPPING],
    )
    assert [caution.code for caution in taken.cautions] == ["items_unknown"]
    assert [(payment.kind, payment.amount) for payment in taken.order.payments] == [
        (PaymentKind.CAPTURED, 3400),
        (PaymentKind.REFUNDED, 1000),
    ]
    one_sku = only(read(etsy.LAYOUT, sheet(tmp_path, row | {"SKU": "A,A,A"})))
    assert [(line.sku, line.quantity) for line in one_sku.order.lines] == [("A", 3), ("", 1)]
