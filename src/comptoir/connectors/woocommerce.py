"""WooCommerce orders as the common export plugins write them (WooCommerce itself exports only products).

Two styles, told apart by their columns:

- *One row per item* (SkyVerge "Customer / Order / Coupon Export", default format; Advanced Order Export): every row repeats
  `order_id`/`order_number`, `date`/`order_date`, `status`, `order_total`, `order_currency`, `shipping_total`, `tax_total`,
  … and has `item_name`, `item_sku`, `item_quantity`, `item_subtotal` (before discounts), `item_total` (after),
  `item_total_tax`, `item_refunded_qty`.
- *One row per order* (WebToffee "Order Export & Import"): the same order columns, and the items in `line_item_1`,
  `line_item_2`, … each as `name:Mug|product_id:7|sku:MUG|quantity:2|sub_total:22.00|total:20.00|tax:4.00`.

WooCommerce keeps prices net of tax. Refunds have no time of their own in these files; they are dated at the latest time
there is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from comptoir.kernel.money import Currency
from comptoir.kernel.quantities import sku
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
    order_total,
    order_version,
    reconcile,
    share_discount,
    share_tax,
    the_address,
    the_currency,
    unique_records,
)
from comptoir.sdk.orders import Buyer, ChannelLine, ChannelOrder, ChannelPayment, Discount, LineKind, PaymentKind, Tax
from comptoir.sdk.tabular import parse_number

_NUMBER, _DATE = FieldKind.NUMBER, FieldKind.DATE
_LINE_ITEM = re.compile(r"line_item_(\d+)", re.IGNORECASE)
_PART = re.compile(
    r"(?:^|\|)\s*(name|product_id|sku|quantity|sub_total|total|sub_total_tax|total_tax|tax|meta|refunded|_?tax_data|tax_data|item_id)\s*:"
)
_STEPS = {"pending": 0, "on-hold": 1, "processing": 2, "completed": 3, "cancelled": 4, "failed": 4, "refunded": 5}
_PAID = {"processing", "completed", "refunded"}


def _address(prefix: str, vendor: str) -> tuple[Field, ...]:
    label = vendor.capitalize()
    return address_fields(
        prefix,
        first_name=(f"{vendor}_first_name", f"First Name ({label})"),
        last_name=(f"{vendor}_last_name", f"Last Name ({label})"),
        company=(f"{vendor}_company", f"Company ({label})"),
        line1=(f"{vendor}_address_1", f"Address 1 ({label})", f"Address 1&2 ({label})"),
        line2=(f"{vendor}_address_2", f"Address 2 ({label})"),
        postcode=(f"{vendor}_postcode", f"Postcode ({label})"),
        city=(f"{vendor}_city", f"City ({label})"),
        region=(f"{vendor}_state", f"State Code ({label})", f"State ({label})"),
        country=(f"{vendor}_country", f"Country Code ({label})", f"Country ({label})"),
        phone=(f"{vendor}_phone", f"Phone ({label})"),
    )


FIELDS = (
    Field("order", ("order_id", "order_number", "Order ID", "Order Number"), required=True),
    Field("placed", ("date", "order_date", "Order Date"), _DATE, required=True),
    Field("total", ("order_total", "Order Total Amount", "Order Total"), _NUMBER, required=True),
    Field("status", ("status", "order_status", "Order Status"), required=True),
    Field("currency", ("order_currency", "currency", "Order Currency")),
    Field("paid", ("paid_date", "date_paid", "Paid Date"), _DATE),
    Field("completed", ("completed_date", "date_completed", "Completed Date"), _DATE),
    Field("modified", ("date_modified", "modified_date", "Modified Date"), _DATE),
    Field("shipping", ("shipping_total", "Order Shipping Amount"), _NUMBER),
    Field("shipping_tax", ("shipping_tax_total", "Order Shipping Tax Amount"), _NUMBER),
    Field("fee", ("fee_total", "Order Fee Amount"), _NUMBER),
    Field("fee_tax", ("fee_tax_total",), _NUMBER),
    Field("tax", ("tax_total", "Order Total Tax Amount"), _NUMBER),
    Field("discount", ("discount_total", "cart_discount", "Cart Discount Amount"), _NUMBER),
    Field("coupon", ("coupon_items", "coupons", "Coupon Code")),
    Field("refunded", ("refunded_total", "order_refund_total", "Order Refund Amount"), _NUMBER),
    Field("method", ("payment_method_title", "payment_method", "Payment Method Title")),
    Field("reference", ("transaction_id", "Transaction ID")),
    Field("shipping_method", ("shipping_method", "shipping_method_title", "Shipping Method Title")),
    Field("customer", ("customer_id", "customer_user", "Customer User ID")),
    Field("email", ("billing_email", "customer_email", "Email (Billing)")),
    Field("note", ("customer_note", "Customer Note")),
    Field("item_id", ("item_id", "line_item_id")),
    Field("item_name", ("item_name", "Item Name")),
    Field("item_sku", ("item_sku", "SKU")),
    Field("item_product", ("item_product_id", "product_id")),
    Field("item_quantity", ("item_quantity", "Quantity (- Refund)", "Quantity"), _NUMBER),
    Field("item_subtotal", ("item_subtotal", "Order Line Subtotal"), _NUMBER),
    Field("item_total", ("item_total", "Order Line Total"), _NUMBER),
    Field("item_cost", ("item_price", "Item Cost"), _NUMBER),
    Field("item_tax", ("item_total_tax", "item_tax", "Order Line Tax"), _NUMBER),
    Field("item_returned", ("item_refunded_qty", "Quantity Refunded"), _NUMBER),
    *_address("bill", "billing"),
    *_address("ship", "shipping"),
)


@dataclass(frozen=True, slots=True)
class WooLayout:
    name: str = "woocommerce"
    label: str = "WooCommerce order exports"
    time_zone: str = "UTC"
    fields: tuple[Field, ...] = FIELDS
    facets: tuple[Facet, ...] = (Facet("customers", "email"), Facet("countries", "ship_country"))

    def detect(self, header: Sequence[str]) -> float:
        known = header_score(self.fields, [name for name in header if not _LINE_ITEM.fullmatch(name)])
        has_items = any(_LINE_ITEM.fullmatch(name) or "item" in name.casefold() for name in header)
        return known if has_items else 0.0

    def key(self, record: Record) -> str:
        return record.text("order")

    def mapper(self, setting: Setting) -> Mapper:
        return lambda records: _order(records, setting)


LAYOUT = WooLayout()


@dataclass(frozen=True, slots=True)
class _Item:
    """An item as either style tells it; amounts in minor units."""

    record: Record
    name: str
    sku: str
    product: str
    quantity: int
    subtotal: int
    total: int
    tax: int
    returned: int = 0
    external_id: str = ""


def _order(records: Sequence[Record], setting: Setting) -> Sequence[TakenOrder | SkippedRow]:
    head, external_id = records[0], records[0].needed("order")
    skipped: list[SkippedRow] = []
    code = the_currency(head, "currency", setting.options.currency)
    if any(_LINE_ITEM.fullmatch(name) for name in head.cells):
        records, skipped = unique_records(records)
        if len(records) > 1:
            records[1].refuse("duplicate_order", f"{external_id} is in the file twice.", "Keep the newer one.")
        items = list(_packed_items(head, code))
    else:
        items = [_row_item(record, code) for record in records if record.text("item_name") or record.text("item_sku")]
    head.needed("total")
    total = head.amount("total", code)
    lines = _lines(head, items, setting, code)
    lines, cautions = reconcile(lines, total, code, tax_included=False)
    order = _assemble(external_id, head, code, tuple(lines))
    return [TakenOrder(order, tuple(record.row for record in records), cautions), *skipped]


def _row_item(record: Record, code: Currency) -> _Item:
    quantity = record.units("item_quantity")
    whole = record.amount("item_subtotal", code)
    if not record.text("item_subtotal"):
        whole = record.minor((record.number("item_cost") or Decimal(0)) * quantity, code)
    return _Item(
        record=record,
        name=record.text("item_name"),
        sku=record.text("item_sku"),
        product=record.text("item_product"),
        quantity=quantity,
        subtotal=whole or record.amount("item_total", code),
        total=record.amount("item_total", code) if record.text("item_total") else whole,
        tax=record.amount("item_tax", code),
        returned=abs(record.quantity("item_returned")) if record.number("item_returned") else 0,
        external_id=record.text("item_id"),
    )


def _packed_items(record: Record, code: Currency) -> Iterable[_Item]:
    numbered = [(int(match[1]), column) for column in record.cells if (match := _LINE_ITEM.fullmatch(column))]
    for _, column in sorted(numbered):
        if cell := record.cells[column].strip():
            parts = _parts(cell)
            quantity = _number(record, column, parts.get("quantity", ""))
            if quantity < 1 or quantity != quantity.to_integral_value():
                record.refuse("bad_quantity", f"{column}: {quantity} is no quantity.", f"Correct the quantity in {column}.")
            total = record.minor(_number(record, column, parts.get("total", "0")), code)
            subtotal = record.minor(_number(record, column, parts["sub_total"]), code) if parts.get("sub_total") else total
            tax = record.minor(_number(record, column, parts.get("total_tax") or parts.get("tax") or "0"), code)
            yield _Item(
                record,
                parts.get("name", ""),
                parts.get("sku", ""),
                parts.get("product_id", ""),
                int(quantity),
                subtotal,
                total,
                tax,
            )


def _parts(cell: str) -> Mapping[str, str]:
    """The named parts of a packed item. Only the names that are known divide it, so that a title may hold bars and colons."""
    marks = list(_PART.finditer(cell))
    ends = [mark.start() for mark in marks[1:]] + [len(cell)]
    return {mark[1]: cell[mark.end() : end].strip() for mark, end in zip(marks, ends, strict=True)}


def _number(record: Record, column: str, text: str) -> Decimal:
    try:
        return parse_number(text)
    except ValueError as problem:
        return record.refuse("not_a_number", f"{column}: {problem}.", f"Correct {column}.")


def _lines(head: Record, items: Sequence[_Item], setting: Setting, code: Currency) -> list[ChannelLine]:
    status = _status(head)
    lines = [_line(item, setting, shipped=status == "completed", cancelled=status in {"cancelled", "failed"}) for item in items]
    given = sum(discount.amount for line in lines for discount in line.discounts)
    lines = share_discount(lines, max(0, head.amount("discount", code) - given), head.text("coupon"))
    charges: list[ChannelLine] = []
    for kind, field, name in (
        (LineKind.SHIPPING, "shipping", head.text("shipping_method") or "Shipping"),
        (LineKind.FEE, "fee", "Fees"),
    ):
        amount, tax = head.amount(field, code), head.amount(f"{field}_tax", code)
        if amount or tax:
            charges.append(ChannelLine(kind, name, 1, amount, taxes=(Tax(tax),) if tax else ()))
    taxed = sum(tax.amount for line in (*lines, *charges) for tax in line.taxes)
    return [*share_tax(lines, max(0, head.amount("tax", code) - taxed), ""), *charges]


def _line(item: _Item, setting: Setting, *, shipped: bool, cancelled: bool) -> ChannelLine:
    off = item.subtotal - item.total
    title = item.name or item.sku
    return ChannelLine(
        kind=LineKind.ITEM,
        name=title,
        quantity=item.quantity,
        amount=item.subtotal,
        sku=_sku(item, setting),
        discounts=(Discount(off),) if off else (),
        taxes=(Tax(item.tax),) if item.tax else (),
        shipped=item.quantity if shipped else 0,
        cancelled=item.quantity if cancelled else 0,
        returned=min(item.returned, item.quantity) if shipped else 0,
        external_id=item.external_id,
    )


def _sku(item: _Item, setting: Setting) -> str:
    if not item.sku:
        listing = f"woo:{item.product}" if item.product else ""
        return fallback_sku(item.record, setting.options.missing_sku, listing=listing, title=item.name)
    try:
        return sku(item.sku)
    except ValueError as problem:
        return item.record.refuse("bad_sku", f"{item.sku[:80]!r}: {problem}.", "Correct the SKU.")


def _status(head: Record) -> str:
    return head.text("status").casefold().removeprefix("wc-").replace(" ", "-")


def _assemble(external_id: str, head: Record, code: Currency, lines: tuple[ChannelLine, ...]) -> ChannelOrder:
    placed, paid = head.needed_time("placed"), head.time("paid")
    latest = max(at for at in (placed, paid, head.time("completed"), head.time("modified")) if at)
    status, refunded = _status(head), head.amount("refunded", code)
    bill = the_address(head, "bill")
    customer = head.text("customer")
    order = ChannelOrder(
        external_id=external_id,
        version=order_version(latest, step=abs(refunded) * 10 + _STEPS.get(status, 2)),
        placed_at=placed,
        currency=code,
        lines=lines,
        tax_included=False,
        buyer=Buyer(
            name=bill.name if bill else "",
            email=head.text("email"),
            phone=bill.phone if bill else "",
            external_id="" if customer == "0" else customer,
            company=bill.company if bill else "",
        ),
        ship_to=the_address(head, "ship") or bill,
        bill_to=bill,
        cancelled_at=latest if status in {"cancelled", "failed"} else None,
        note=head.text("note"),
    )
    total, method, reference = order_total(order), head.text("method"), head.text("reference")
    refunded = abs(refunded) or (total if status == "refunded" else 0)
    payments: list[ChannelPayment] = []
    if (paid or status in _PAID) and total > 0:
        payments.append(ChannelPayment(PaymentKind.CAPTURED, method, total, paid or placed, reference))
    if refunded > 0 and payments:
        payments.append(ChannelPayment(PaymentKind.REFUNDED, method, refunded, latest, reference))
    return replace(order, payments=tuple(payments))
