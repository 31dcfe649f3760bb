"""Shopify's orders export, and Squarespace's, which is modelled on it.

One row per line item; only the first row of an order has the order's own fields. `external_id` is the order's name (#1001):
it is on every row and survives spreadsheets, which the long `Id` does not.

- `Subtotal` is the lines less all discounts, so what the line discounts leave of it is the order's own discount, shared
  over the lines. A discount that the subtotal does not show, but the total does, is one of shipping.
- Taxes come per order (`Tax 1 Name` … `Tax 5 Value`); they are shared over the lines and shipping. Whether prices contain
  them follows from the total.
- The export has no time of refunds; they are dated at the latest time that it has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from comptoir.kernel.money import Currency
from comptoir.sdk.orderfiles import (
    Caution,
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
    rate_in,
    reconcile,
    share_discount,
    share_tax,
    tax_is_included,
    the_address,
    the_currency,
    unique_records,
)
from comptoir.sdk.orders import Buyer, ChannelLine, ChannelOrder, ChannelPayment, Discount, LineKind, PaymentKind

_NUMBER, _DATE = FieldKind.NUMBER, FieldKind.DATE
_TAXES = range(1, 6)

_PAID = {"paid", "partially_refunded", "partially refunded", "refunded"}


def _address(prefix: str, vendor: str) -> tuple[Field, ...]:
    return address_fields(
        prefix,
        name=(f"{vendor} Name",),
        company=(f"{vendor} Company",),
        line1=(f"{vendor} Address1", f"{vendor} Street"),
        line2=(f"{vendor} Address2",),
        postcode=(f"{vendor} Zip",),
        city=(f"{vendor} City",),
        region=(f"{vendor} Province", f"{vendor} Province Name"),
        country=(f"{vendor} Country",),
        phone=(f"{vendor} Phone",),
    )


FIELDS = (
    Field("currency", ("Currency",), required=True),
    Field("total", ("Total",), _NUMBER, required=True),
    Field("created", ("Created at",), _DATE, required=True),
    Field("item_quantity", ("Lineitem quantity",), _NUMBER, required=True),
    Field("item_name", ("Lineitem name",), required=True),
    Field("item_price", ("Lineitem price",), _NUMBER, required=True),
    Field("item_sku", ("Lineitem sku",)),
    Field("item_variant", ("Lineitem variant",)),
    Field("item_discount", ("Lineitem discount",), _NUMBER),
    Field("item_status", ("Lineitem fulfillment status",)),
    Field("email", ("Email",)),
    Field("phone", ("Phone",)),
    Field("financial_status", ("Financial Status",)),
    Field("paid", ("Paid at",), _DATE),
    Field("fulfilled", ("Fulfilled at",), _DATE),
    Field("cancelled", ("Cancelled at",), _DATE),
    Field("subtotal", ("Subtotal",), _NUMBER),
    Field("shipping", ("Shipping",), _NUMBER),
    Field("taxes", ("Taxes",), _NUMBER),
    Field("duties", ("Duties",), _NUMBER),
    Field("discount", ("Discount Amount",), _NUMBER),
    Field("discount_code", ("Discount Code",)),
    Field("shipping_method", ("Shipping Method",)),
    Field("refunded", ("Refunded Amount", "Amount Refunded"), _NUMBER),
    Field("method", ("Payment Method",)),
    Field("reference", ("Payment Reference", "Payment ID")),
    Field("note", ("Notes", "Private Notes")),
    Field("tags", ("Tags",)),
    Field("location", ("Location",)),
    Field("source", ("Source",)),
    *(Field(f"tax_{n}_name", (f"Tax {n} Name",)) for n in _TAXES),
    *(Field(f"tax_{n}_value", (f"Tax {n} Value",), _NUMBER) for n in _TAXES),
    *_address("bill", "Billing"),
    *_address("ship", "Shipping"),
)


@dataclass(frozen=True, slots=True)
class ShopifyLayout:
    name: str
    label: str
    order: Field
    time_zone: str = "UTC"
    facets: tuple[Facet, ...] = (Facet("customers", "email"), Facet("countries", "ship_country"))

    @property
    def fields(self) -> tuple[Field, ...]:
        return (self.order, *FIELDS)

    def detect(self, header: Sequence[str]) -> float:
        return header_score(self.fields, header)

    def key(self, record: Record) -> str:
        return record.text("order")

    def mapper(self, setting: Setting) -> Mapper:
        return lambda records: _order(records, setting)


LAYOUT = ShopifyLayout("shopify", "Shopify orders", Field("order", ("Name",), required=True))
SQUARESPACE = ShopifyLayout("squarespace", "Squarespace orders", Field("order", ("Order ID",), required=True))


def _order(records: Sequence[Record], setting: Setting) -> Sequence[TakenOrder | SkippedRow]:
    external_id = records[0].needed("order")
    heads = [record for record in records if record.text("total")]
    if len(heads) > 1:
        records, skipped = unique_records(records)
        heads = [record for record in records if record.text("total")]
    else:
        skipped = []
    if not heads:
        records[0].refuse("no_order_row", f"{external_id} has no row with its total.", "Add the order's first row.")
    if len(heads) > 1:
        heads[1].refuse("duplicate_order", f"{external_id} is in the file twice.", "Keep the newer one.")
    head = heads[0]
    code = the_currency(head, "currency", setting.options.currency)
    total = head.amount("total", code)
    lines, included = _lines(head, records, setting, code, total)
    lines, cautions = reconcile(lines, total, code, tax_included=included)
    order = _assemble(external_id, head, code, tuple(lines), tax_included=included)
    if head.text("financial_status").casefold() in {"partially_paid", "partially paid"}:
        cautions = (*cautions, Caution("partly_paid", "The export does not say how much has been paid."))
    return [TakenOrder(order, tuple(record.row for record in records), cautions), *skipped]


def _lines(
    head: Record, records: Sequence[Record], setting: Setting, code: Currency, total: int
) -> tuple[list[ChannelLine], bool]:
    """All lines with their discounts and taxes, and whether the prices contain the taxes."""
    cancelled = bool(head.text("cancelled"))
    items = [_item(record, setting, code, cancelled=cancelled) for record in records if _has_item(record)]
    worth = sum(line_due(line, tax_included=True) for line in items)
    reduction = worth - head.amount("subtotal", code) if head.text("subtotal") else head.amount("discount", code)
    coupon = head.text("discount_code")
    items = share_discount(items, max(0, reduction), coupon)
    shipping, tax = head.amount("shipping", code), head.amount("taxes", code)
    net = sum(line_due(line, tax_included=True) for line in items) + shipping + head.amount("duties", code)
    lines = list(items)
    if shipping:
        line = ChannelLine(LineKind.SHIPPING, head.text("shipping_method") or "Shipping", 1, shipping)
        off = _shipping_discount(head.amount("discount", code) - reduction, shipping, net, tax, total)
        net -= off
        lines += share_discount([line], off, coupon)
    included = tax_is_included(setting, net, tax, total, otherwise=True)
    for amount, name in _taxes(head, code, tax):
        lines = share_tax(lines, amount, name, rate_in(name))
    if duties := head.amount("duties", code):
        lines.append(ChannelLine(LineKind.FEE, "Duties", 1, duties))
    return lines, included


def _shipping_discount(left: int, shipping: int, net: int, tax: int, total: int) -> int:
    """What of the order's discount is one of shipping: what the lines have not used, when the total agrees."""
    return left if 0 < left <= shipping and total in {net - left, net + tax - left} else 0


def _taxes(head: Record, code: Currency, tax: int) -> list[tuple[int, str]]:
    """The order's taxes by name; what they leave of the whole tax goes without one."""
    named = [(head.amount(f"tax_{n}_value", code), head.text(f"tax_{n}_name")) for n in _TAXES]
    named = [(amount, name) for amount, name in named if amount]
    rest = tax - sum(amount for amount, _ in named)
    return [*named, (rest, "")] if rest > 0 else named


def _has_item(record: Record) -> bool:
    return any(record.text(name) for name in ("item_name", "item_quantity", "item_sku"))


def _item(record: Record, setting: Setting, code: Currency, *, cancelled: bool) -> ChannelLine:
    title = " - ".join(filter(None, (record.needed("item_name"), record.text("item_variant"))))
    quantity = record.units("item_quantity")
    record.needed("item_price")
    price = record.number("item_price")
    assert price is not None
    kind = _kind(title)
    off = record.amount("item_discount", code)
    shipped = quantity if record.text("item_status").casefold() == "fulfilled" else 0
    return ChannelLine(
        kind=kind,
        name=title,
        quantity=quantity,
        amount=record.minor(price * quantity, code),
        sku=(item_sku(record, "item_sku") or fallback_sku(record, setting.options.missing_sku, title=title))
        if kind is LineKind.ITEM
        else "",
        unit_price=price,
        discounts=(Discount(off),) if off else (),
        shipped=shipped,
        cancelled=quantity - shipped if cancelled else 0,
    )


def _kind(title: str) -> LineKind:
    plain = title.casefold()
    if plain == "tip":
        return LineKind.FEE
    return LineKind.GIFT_CARD if plain.startswith(("gift card", "carte-cadeau", "carte cadeau")) else LineKind.ITEM


def _assemble(
    external_id: str, head: Record, code: Currency, lines: tuple[ChannelLine, ...], *, tax_included: bool
) -> ChannelOrder:
    placed, paid = head.needed_time("created"), head.time("paid")
    fulfilled, cancelled = head.time("fulfilled"), head.time("cancelled")
    refunded = head.amount("refunded", code)
    latest = max(at for at in (placed, paid, fulfilled, cancelled) if at)
    bill = the_address(head, "bill")
    order = ChannelOrder(
        external_id=external_id,
        version=order_version(latest, step=refunded),
        placed_at=placed,
        currency=code,
        lines=lines,
        tax_included=tax_included,
        buyer=Buyer(
            name=bill.name if bill else "",
            email=head.text("email"),
            phone=head.text("phone").removeprefix("'"),
            company=bill.company if bill else "",
        ),
        ship_to=the_address(head, "ship"),
        bill_to=bill,
        location_code=head.text("location") if head.text("source").casefold() == "pos" else "",
        cancelled_at=cancelled,
        note=head.text("note"),
        tags=tuple(tag for tag in (part.strip() for part in head.text("tags").split(",")) if tag),
    )
    return _with_payments(order, head, paid, latest, refunded)


def _with_payments(order: ChannelOrder, head: Record, paid: datetime | None, latest: datetime, refunded: int) -> ChannelOrder:
    status, method, reference = head.text("financial_status").casefold(), head.text("method"), head.text("reference")
    total = order_total(order)
    payments: list[ChannelPayment] = []
    if status in _PAID and total > 0:
        payments.append(ChannelPayment(PaymentKind.CAPTURED, method, total, paid or order.placed_at, reference))
    elif status == "authorized" and total > 0:
        payments.append(ChannelPayment(PaymentKind.AUTHORISED, method, total, paid or order.placed_at, reference))
    if refunded > 0:
        payments.append(ChannelPayment(PaymentKind.REFUNDED, method, refunded, latest, reference))
    return replace(order, payments=tuple(payments))
