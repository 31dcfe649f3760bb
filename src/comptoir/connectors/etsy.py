"""Etsy's two exports: Sold Orders (one row per order, no items) and Sold Order Items (one row per item, little of the order).

Either is read alone, or both together as one `OrderFile`, joined by Order ID: then the items come from the one and the sums
from the other.

- Items alone repeat the order's shipping and sales tax on every row; they are charged once.
- Orders alone name at most the SKUs. One SKU for all items makes an item line; otherwise the goods are one line that moves
  no stock, and the order says so as a caution.
- An item without SKU goes by its listing (`etsy:1122…`), unless that is forbidden.
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
    order_total,
    order_version,
    reconcile,
    share_discount,
    share_tax,
    the_address,
    the_currency,
    unique_records,
)
from comptoir.sdk.orders import Buyer, ChannelLine, ChannelOrder, ChannelPayment, Discount, LineKind, PaymentKind

_NUMBER, _DATE = FieldKind.NUMBER, FieldKind.DATE

FIELDS = (
    Field("order", ("Order ID",), required=True),
    Field("sold_on", ("Sale Date",), _DATE, required=True),
    Field("currency", ("Currency",), required=True),
    Field("buyer", ("Buyer",)),
    Field("paid", ("Date Paid",), _DATE),
    Field("shipped", ("Date Shipped",), _DATE),
    Field("sku", ("SKU",)),
    Field("coupon", ("Coupon Code",)),
    Field("discount", ("Discount Amount",), _NUMBER),
    Field("shipping_discount", ("Shipping Discount",), _NUMBER),
    Field("shipping", ("Shipping", "Order Shipping"), _NUMBER),
    Field("tax", ("Sales Tax", "Order Sales Tax"), _NUMBER),
    Field("item_name", ("Item Name",)),
    Field("quantity", ("Quantity",), _NUMBER),
    Field("price", ("Price",), _NUMBER),
    Field("transaction", ("Transaction ID",)),
    Field("listing", ("Listing ID",)),
    Field("variations", ("Variations",)),
    Field("user", ("Buyer User ID",)),
    Field("items", ("Number of Items",), _NUMBER),
    Field("method", ("Payment Method", "Payment Type")),
    Field("value", ("Order Value",), _NUMBER),
    Field("total", ("Order Total",), _NUMBER),
    Field("adjusted_total", ("Adjusted Order Total",), _NUMBER),
    Field("status", ("Status",)),
    Field("message", ("Buyer Receipt Message",)),
    *address_fields(
        "ship",
        name=("Ship Name", "Full Name"),
        line1=("Ship Address1", "Street 1"),
        line2=("Ship Address2", "Street 2"),
        city=("Ship City",),
        region=("Ship State",),
        postcode=("Ship Zipcode",),
        country=("Ship Country",),
    ),
)


@dataclass(frozen=True, slots=True)
class EtsyLayout:
    name: str = "etsy"
    label: str = "Etsy sold orders, or sold order items, or both"
    time_zone: str = "UTC"
    fields: tuple[Field, ...] = FIELDS
    facets: tuple[Facet, ...] = (Facet("customers", "buyer"), Facet("countries", "ship_country"))

    def detect(self, header: Sequence[str]) -> float:
        return header_score(self.fields, header)

    def key(self, record: Record) -> str:
        return record.text("order")

    def mapper(self, setting: Setting) -> Mapper:
        return lambda records: _order(records, setting)


LAYOUT = EtsyLayout()


def _order(records: Sequence[Record], setting: Setting) -> Sequence[TakenOrder | SkippedRow]:
    external_id = records[0].needed("order")
    items = [record for record in records if record.has("item_name")]
    heads, skipped = unique_records(record for record in records if not record.has("item_name"))
    if len(heads) > 1:
        heads[1].refuse("duplicate_order", f"{external_id} is in the file twice.", "Keep the newer one.")
    head = heads[0] if heads else None
    lead = head or items[0]
    code = the_currency(lead, "currency", setting.options.currency)
    cautions: tuple[Caution, ...] = ()
    if items:
        lines = [_item(record, setting, code) for record in items]
    else:
        lines, cautions = _goods(lead, code)
    lines = _with_sums(lines, head, items, code)
    if head and head.text("total"):
        whole, differs = reconcile(lines, head.amount("total", code), code, tax_included=False)
        lines, cautions = list(whole), (*cautions, *differs)
    order = _assemble(external_id, lead, records, code, tuple(lines))
    taken = tuple(record.row for record in (*items, *heads))
    return [TakenOrder(order, taken, cautions), *skipped]


def _item(record: Record, setting: Setting, code: Currency) -> ChannelLine:
    quantity = record.units("quantity")
    record.needed("price")
    price = record.number("price")
    assert price is not None
    name, listing, variations = record.text("item_name"), record.text("listing"), record.text("variations")
    off = record.amount("discount", code)
    return ChannelLine(
        kind=LineKind.ITEM,
        name=f"{name} [{variations}]" if variations else name,
        quantity=quantity,
        amount=record.minor(price * quantity, code),
        sku=item_sku(record, "sku")
        or fallback_sku(record, setting.options.missing_sku, listing=f"etsy:{listing}" if listing else "", title=name),
        unit_price=price,
        discounts=(Discount(off, record.text("coupon")),) if off else (),
        shipped=quantity if record.text("shipped") else 0,
        external_id=record.text("transaction"),
    )


def _goods(head: Record, code: Currency) -> tuple[list[ChannelLine], tuple[Caution, ...]]:
    """The goods of an order that came without its items."""
    head.needed("value")
    quantity, value = head.units("items") if head.text("items") else 1, head.amount("value", code)
    skus = {part.strip() for part in head.text("sku").split(",") if part.strip()}
    if len(skus) == 1:
        sku = item_sku(head, "sku") if "," not in head.text("sku") else skus.pop()
        shipped = quantity if head.text("shipped") else 0
        return [ChannelLine(LineKind.ITEM, sku, quantity, value, sku=sku, shipped=shipped)], ()
    line = ChannelLine(LineKind.ADJUSTMENT, f"{quantity} items", 1, value)
    return [line], (Caution("items_unknown", "Import Sold Order Items together with this file to learn which items."),)


def _with_sums(lines: list[ChannelLine], head: Record | None, items: Sequence[Record], code: Currency) -> list[ChannelLine]:
    """The lines with the order's discount, shipping and tax: from its own row, else from what all item rows repeat."""
    if head:
        shipping, off, tax = (head.amount(name, code) for name in ("shipping", "shipping_discount", "tax"))
        discount = head.amount("discount", code)
        if discount != sum(part.amount for line in lines for part in line.discounts):
            lines = share_discount([replace(line, discounts=()) for line in lines], discount, head.text("coupon"))
    else:
        shipping, off, tax = (
            max(record.amount(name, code) for record in items) for name in ("shipping", "shipping_discount", "tax")
        )
    if shipping or off:
        lines = [*lines, ChannelLine(LineKind.SHIPPING, "Shipping", 1, shipping, discounts=(Discount(off),) if off else ())]
    return share_tax(lines, tax, "Sales tax")


def _assemble(
    external_id: str, lead: Record, records: Sequence[Record], code: Currency, lines: tuple[ChannelLine, ...]
) -> ChannelOrder:
    placed = min(record.needed_time("sold_on") for record in records)
    paid, shipped = (_latest(records, name) for name in ("paid", "shipped"))
    cancelled = lead.text("status").casefold() in {"canceled", "cancelled"}
    latest = max(at for at in (placed, paid, shipped) if at)
    if cancelled:
        lines = tuple(replace(line, cancelled=line.quantity - line.shipped) for line in lines)
    order = ChannelOrder(
        external_id=external_id,
        version="",
        placed_at=placed,
        currency=code,
        lines=lines,
        tax_included=False,
        buyer=Buyer(name=lead.text("ship_name") or lead.text("buyer"), external_id=lead.text("user") or lead.text("buyer")),
        ship_to=the_address(lead, "ship"),
        cancelled_at=latest if cancelled else None,
        note=lead.text("message"),
    )
    total = order_total(order)
    refunded = total - lead.amount("adjusted_total", code) if lead.text("adjusted_total") else 0
    method = lead.text("method")
    payments: list[ChannelPayment] = []
    if paid and total > 0:
        payments.append(ChannelPayment(PaymentKind.CAPTURED, method, total, paid))
    if refunded > 0:
        payments.append(ChannelPayment(PaymentKind.REFUNDED, method, refunded, latest))
    step = max(0, refunded) * 2 + cancelled
    return replace(order, version=order_version(latest, step=step), payments=tuple(payments))


def _latest(records: Sequence[Record], field: str) -> datetime | None:
    return max(filter(None, (record.time(field) for record in records)), default=None)
