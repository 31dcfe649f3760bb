"""eBay's orders report (Seller Hub).

A blank line above the header and a footer ("3 record(s) downloaded", "Seller ID : …") are usual. Dates are of the form
Nov-03-26. An order of several items has a row of its own with the totals, then one row per item; an order of one item is
one row.

- `Sold For` is the price of one unit; where only the reading as the line's price agrees with the total, it is that.
- Tax that eBay collects and remits is part of the order when the report says that the total includes it.
- An item without Custom Label goes by its item number (`ebay:3344…`), unless that is forbidden.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from comptoir.kernel.money import Currency
from comptoir.sdk.orderfiles import (
    Facet,
    Field,
    FieldKind,
    Mapper,
    Record,
    Setting,
    SkippedRow,
    TakenOrder,
    address_fields,
    fallback_sku,
    header_score,
    item_sku,
    line_due,
    order_total,
    order_version,
    reconcile,
    share_tax,
    the_address,
)
from comptoir.sdk.orders import Buyer, ChannelLine, ChannelOrder, ChannelPayment, LineKind, PaymentKind
from comptoir.sdk.tabular import currency_in

_NUMBER, _DATE = FieldKind.NUMBER, FieldKind.DATE
_FOOTER = re.compile(r"record\(?s?\)? downloaded|seller id", re.IGNORECASE)
_FOOTER_CELLS = 3

FIELDS = (
    Field("order", ("Order Number",), required=True),
    Field("sold_on", ("Sale Date",), _DATE, required=True),
    Field("quantity", ("Quantity",), _NUMBER, required=True),
    Field("price", ("Sold For",), _NUMBER, required=True),
    Field("total", ("Total Price",), _NUMBER, required=True),
    Field("item", ("Item Number",)),
    Field("title", ("Item Title",)),
    Field("variation", ("Variation Details",)),
    Field("sku", ("Custom Label", "Custom Label (SKU)")),
    Field("record", ("Sales Record Number",)),
    Field("shipping", ("Shipping And Handling", "Postage and packaging"), _NUMBER),
    Field("seller_tax", ("Seller Collected Tax",), _NUMBER),
    Field("ebay_tax", ("eBay Collected Tax",), _NUMBER),
    Field("ebay_tax_included", ("eBay Collected Tax Included in Total",)),
    Field("method", ("Payment Method",)),
    Field("paid", ("Paid On Date",), _DATE),
    Field("shipped", ("Shipped On Date",), _DATE),
    Field("service", ("Shipping Service",)),
    Field("reference", ("PayPal Transaction ID",)),
    Field("transaction", ("Transaction ID",)),
    Field("username", ("Buyer Username",)),
    Field("name", ("Buyer Name",)),
    Field("email", ("Buyer Email",)),
    Field("note", ("Buyer Note",)),
    Field("collect", ("Click And Collect",)),
    *address_fields(
        "bill",
        name=("Buyer Name",),
        line1=("Buyer Address 1",),
        line2=("Buyer Address 2",),
        city=("Buyer City",),
        region=("Buyer State",),
        postcode=("Buyer Zip",),
        country=("Buyer Country",),
    ),
    *address_fields(
        "ship",
        name=("Ship To Name",),
        phone=("Ship To Phone",),
        line1=("Ship To Address 1",),
        line2=("Ship To Address 2",),
        city=("Ship To City",),
        region=("Ship To State",),
        postcode=("Ship To Zip",),
        country=("Ship To Country",),
    ),
)


@dataclass(frozen=True, slots=True)
class EbayLayout:
    name: str = "ebay"
    label: str = "eBay orders report"
    time_zone: str = "UTC"
    fields: tuple[Field, ...] = FIELDS
    facets: tuple[Facet, ...] = (Facet("customers", "username"), Facet("countries", "ship_country"))

    def detect(self, header: Sequence[str]) -> float:
        return header_score(self.fields, header)

    def key(self, record: Record) -> str:
        return "" if _is_footer(record) else record.text("order")

    def mapper(self, setting: Setting) -> Mapper:
        return lambda records: [_order(records, setting)]


LAYOUT = EbayLayout()


def _is_footer(record: Record) -> bool:
    """The footer's words stand in the first cells, whichever columns these are."""
    filled = [cell for cell in record.cells.values() if cell.strip()]
    return len(filled) <= _FOOTER_CELLS and bool(_FOOTER.search(" ".join(filled)))


def _order(records: Sequence[Record], setting: Setting) -> TakenOrder | SkippedRow:
    head = records[0]
    if _is_footer(head):
        return SkippedRow(head.row, "footer", "The report's last lines are no orders.")
    external_id = head.needed("order")
    items = [record for record in records if record.text("item") or record.text("title")]
    if not items:
        head.refuse("no_items", f"{external_id} has no item.", "Add the rows of its items.")
    code = _currency(records, setting)
    summary = next((record for record in records if record not in items and record.text("total")), None)
    payers = [summary] if summary else items
    lines, stated = _lines(items, payers, setting, code)
    lines, cautions = reconcile(lines, stated, code, tax_included=False)
    order = _assemble(external_id, head, code, lines, _latest(records, "shipped"))
    return TakenOrder(order, tuple(record.row for record in records), cautions)


def _latest(records: Sequence[Record], field: str) -> datetime | None:
    return max(filter(None, (record.time(field) for record in records)), default=None)


def _currency(records: Sequence[Record], setting: Setting) -> Currency:
    if setting.options.currency:
        return setting.options.currency
    for record in records:
        for field in ("total", "price"):
            if found := currency_in(record.text(field)):
                return found
    return records[0].refuse("unknown_currency", "The amounts name no currency.", "Set the currency of the file.")


def _lines(
    items: Sequence[Record], payers: Sequence[Record], setting: Setting, code: Currency
) -> tuple[list[ChannelLine], int]:
    """The order's lines and the total that the report states."""
    stated = sum(record.amount("total", code) for record in payers)
    shipping = sum(record.amount("shipping", code) for record in payers)
    ours = sum(record.amount("seller_tax", code) for record in payers)
    theirs = sum(record.amount("ebay_tax", code) for record in payers if record.text("ebay_tax_included").casefold() == "yes")
    extras = shipping + ours + theirs
    by_unit, by_line = (
        [_item(record, setting, code, whole_line=whole_line) for record in items] for whole_line in (False, True)
    )
    lines = by_line if _worth(by_line) + extras == stated != _worth(by_unit) + extras else by_unit
    if shipping:
        lines.append(ChannelLine(LineKind.SHIPPING, payers[0].text("service") or "Shipping", 1, shipping))
    return share_tax(share_tax(lines, ours, "Seller collected tax"), theirs, "eBay collected tax"), stated


def _worth(lines: Sequence[ChannelLine]) -> int:
    return sum(line_due(line, tax_included=True) for line in lines)


def _item(record: Record, setting: Setting, code: Currency, *, whole_line: bool) -> ChannelLine:
    quantity = record.units("quantity")
    record.needed("price")
    price = record.number("price")
    assert price is not None
    item, title = record.text("item"), record.text("title")
    variation = record.text("variation")
    return ChannelLine(
        kind=LineKind.ITEM,
        name=f"{title} [{variation}]" if title and variation and variation not in title else title or item,
        quantity=quantity,
        amount=record.minor(price if whole_line else price * quantity, code),
        sku=item_sku(record, "sku")
        or fallback_sku(record, setting.options.missing_sku, listing=f"ebay:{item}" if item else "", title=title),
        unit_price=None if whole_line else price,
        shipped=quantity if record.text("shipped") else 0,
        external_id=record.text("transaction"),
    )


def _assemble(
    external_id: str, head: Record, code: Currency, lines: tuple[ChannelLine, ...], shipped: datetime | None
) -> ChannelOrder:
    placed, paid = head.needed_time("sold_on"), head.time("paid")
    bill = the_address(head, "bill")
    order = ChannelOrder(
        external_id=external_id,
        version=order_version(placed, paid, shipped),
        placed_at=placed,
        currency=code,
        lines=lines,
        tax_included=False,
        buyer=Buyer(name=head.text("name"), email=head.text("email"), external_id=head.text("username")),
        ship_to=the_address(head, "ship"),
        bill_to=bill,
        pickup=head.text("collect").casefold() == "yes",
        note=head.text("note"),
    )
    total = order_total(order)
    if not paid or total <= 0:
        return order
    payment = ChannelPayment(PaymentKind.CAPTURED, head.text("method"), total, paid, head.text("reference"))
    return replace(order, payments=(payment,))
