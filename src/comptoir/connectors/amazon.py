"""Amazon's order reports as flat files: All Orders (by order date or last update), and Unshipped Orders.

One row per order item; the prices of a row are for its whole quantity. Shipping and gift wrapping come per row and are
summed to one line each.

- Whether prices contain their tax follows from the marketplace: in North America they do not, elsewhere they do. It can be
  set.
- Amazon empties a cancelled item's quantity and price. Such a row is taken as one cancelled unit without price, so that an
  order that was imported before learns of its cancellation.
- A pending order has no prices yet; it is taken without, and its next version brings them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from comptoir.kernel.money import Currency
from comptoir.sdk.orderfiles import (
    Caution,
    Facet,
    Field,
    FieldKind,
    Mapper,
    Record,
    Setting,
    TakenOrder,
    address_fields,
    fallback_sku,
    header_score,
    item_sku,
    order_total,
    order_version,
    the_address,
    the_currency,
)
from comptoir.sdk.orders import Buyer, ChannelLine, ChannelOrder, ChannelPayment, Discount, LineKind, PaymentKind, Tax

_NUMBER, _DATE = FieldKind.NUMBER, FieldKind.DATE
_TAX_ON_TOP = {"amazon.com", "amazon.ca", "amazon.com.mx"}
_CURRENCIES = {
    "amazon.com": "USD", "amazon.ca": "CAD", "amazon.com.mx": "MXN", "amazon.com.br": "BRL", "amazon.co.uk": "GBP",
    "amazon.co.jp": "JPY", "amazon.com.au": "AUD", "amazon.pl": "PLN", "amazon.se": "SEK", "amazon.com.tr": "TRY",
    "amazon.fr": "EUR", "amazon.de": "EUR", "amazon.it": "EUR", "amazon.es": "EUR", "amazon.nl": "EUR", "amazon.com.be": "EUR",
    "amazon.ie": "EUR",
}  # fmt: skip
_GONE = {"cancelled", "canceled"}

FIELDS = (
    Field("order", ("amazon-order-id", "order-id"), required=True),
    Field("purchased", ("purchase-date",), _DATE, required=True),
    Field("sku", ("sku",), required=True),
    Field("quantity", ("quantity", "quantity-purchased"), _NUMBER, required=True),
    Field("currency", ("currency",), required=True),
    Field("price", ("item-price",), _NUMBER, required=True),
    Field("updated", ("last-updated-date",), _DATE),
    Field("paid", ("payments-date",), _DATE),
    Field("item", ("order-item-id",)),
    Field("title", ("product-name",)),
    Field("asin", ("asin",)),
    Field("status", ("order-status",)),
    Field("item_status", ("item-status",)),
    Field("fulfilment", ("fulfillment-channel",)),
    Field("marketplace", ("sales-channel",)),
    Field("item_tax", ("item-tax",), _NUMBER),
    Field("shipping", ("shipping-price",), _NUMBER),
    Field("shipping_tax", ("shipping-tax",), _NUMBER),
    Field("wrap", ("gift-wrap-price",), _NUMBER),
    Field("wrap_tax", ("gift-wrap-tax",), _NUMBER),
    Field("item_discount", ("item-promotion-discount",), _NUMBER),
    Field("ship_discount", ("ship-promotion-discount",), _NUMBER),
    Field("promotions", ("promotion-ids",)),
    Field("service", ("ship-service-level",)),
    Field("business", ("is-business-order",)),
    Field("purchase_order", ("purchase-order-number",)),
    Field("email", ("buyer-email",)),
    Field("buyer", ("buyer-name",)),
    Field("buyer_phone", ("buyer-phone-number",)),
    *address_fields(
        "ship",
        name=("recipient-name",),
        line1=("ship-address-1",),
        line2=("ship-address-2",),
        city=("ship-city",),
        region=("ship-state",),
        postcode=("ship-postal-code",),
        country=("ship-country",),
        phone=("ship-phone-number",),
    ),
)


@dataclass(frozen=True, slots=True)
class AmazonLayout:
    name: str = "amazon"
    label: str = "Amazon order reports"
    time_zone: str = "UTC"
    fields: tuple[Field, ...] = FIELDS
    facets: tuple[Facet, ...] = (Facet("countries", "ship_country"), Facet("marketplaces", "marketplace"))

    def detect(self, header: Sequence[str]) -> float:
        return header_score(self.fields, header)

    def key(self, record: Record) -> str:
        return record.text("order")

    def mapper(self, setting: Setting) -> Mapper:
        return lambda records: [_order(records, setting)]


LAYOUT = AmazonLayout()


def _order(records: Sequence[Record], setting: Setting) -> TakenOrder:
    head = records[0]
    external_id = head.needed("order")
    code = _currency(records, setting)
    placed, updated = (
        head.needed_time("purchased"),
        max(filter(None, (record.time("updated") for record in records)), default=None),
    )
    cancelled = head.text("status").casefold() in _GONE
    lines = [_item(record, setting, code, cancelled=cancelled) for record in records]
    lines += _charge(records, code, LineKind.SHIPPING, head.text("service") or "Shipping", "shipping", "ship_discount")
    lines += _charge(records, code, LineKind.GIFT_WRAP, "Gift wrap", "wrap")
    marketplace, business = head.text("marketplace").casefold(), head.text("business").casefold() == "true"
    paid = head.time("paid")
    included = setting.options.tax_included
    order = ChannelOrder(
        external_id=external_id,
        version=order_version(updated, paid, placed),
        placed_at=placed,
        currency=code,
        lines=tuple(lines),
        tax_included=marketplace not in _TAX_ON_TOP if included is None else included,
        buyer=Buyer(
            name=head.text("buyer"),
            email=head.text("email"),
            phone=head.text("buyer_phone"),
            purchase_order=head.text("purchase_order"),
        ),
        ship_to=the_address(head, "ship"),
        cancelled_at=(updated or placed) if cancelled else None,
        tags=tuple(_tags(head, business=business)),
    )
    total = order_total(order)
    if paid and total > 0:
        order = _paid(order, ChannelPayment(PaymentKind.CAPTURED, "Amazon", total, paid))
    unpriced = not cancelled and any(not record.text("price") for record in records)
    cautions = (Caution("no_price", "Amazon has not stated all prices yet."),) if unpriced else ()
    return TakenOrder(order, tuple(record.row for record in records), cautions)


def _paid(order: ChannelOrder, payment: ChannelPayment) -> ChannelOrder:
    return replace(order, payments=(payment,))


def _tags(head: Record, *, business: bool) -> Iterable[str]:
    if business:
        yield "business"
    if head.text("fulfilment").casefold() == "amazon":
        yield "fulfilled-by-amazon"


def _currency(records: Sequence[Record], setting: Setting) -> Currency:
    """The currency of the first row that names one: rows of cancelled items name none."""
    named = next((record for record in records if record.text("currency")), records[0])
    by_place = _CURRENCIES.get(named.text("marketplace").casefold())
    return the_currency(named, "currency", setting.options.currency or (Currency(by_place) if by_place else None))


def _item(record: Record, setting: Setting, code: Currency, *, cancelled: bool) -> ChannelLine:
    gone = cancelled or record.text("item_status").casefold() in _GONE
    emptied = gone and not record.number("quantity")
    quantity = 1 if emptied else record.units("quantity")
    shipped = quantity if record.text("item_status").casefold() == "shipped" and not gone else 0
    off, tax = abs(record.amount("item_discount", code)), record.amount("item_tax", code)
    asin = record.text("asin")
    return ChannelLine(
        kind=LineKind.ITEM,
        name=record.text("title") or record.needed("sku"),
        quantity=quantity,
        amount=record.amount("price", code),
        sku=item_sku(record, "sku")
        or fallback_sku(
            record, setting.options.missing_sku, listing=f"amazon:{asin}" if asin else "", title=record.text("title")
        ),
        discounts=(Discount(off, record.text("promotions")),) if off else (),
        taxes=(Tax(tax),) if tax else (),
        cancelled=quantity if gone else 0,
        shipped=shipped,
        external_id=record.text("item"),
    )


def _charge(
    records: Sequence[Record], code: Currency, kind: LineKind, name: str, field: str, discount: str = ""
) -> list[ChannelLine]:
    """The line for what the rows charge together beside their items; none when they charge nothing."""
    amount = sum(record.amount(field, code) for record in records)
    tax = sum(record.amount(f"{field}_tax", code) for record in records)
    off = sum(abs(record.amount(discount, code)) for record in records) if discount else 0
    if not (amount or tax or off):
        return []
    return [
        ChannelLine(kind, name, 1, amount, discounts=(Discount(off),) if off else (), taxes=(Tax(tax),) if tax else ()),
    ]
