"""Writes orders as each vendor's export would have them: the mirror image of the mappers, for round trips."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from comptoir.kernel.money import exponent
from comptoir.sdk.orderfiles import order_total
from comptoir.sdk.orders import Address, ChannelLine, ChannelOrder, LineKind, PaymentKind

Cells = Mapping[str, str]
GONE = "Cancelled"


@dataclass(frozen=True, slots=True)
class Writing:
    """How a file is written."""

    separator: str = ","
    encoding: str = "utf-8"
    mark: str = "."
    end: str = "\r\n"
    order: int = 0
    """Seeds the order of the columns; 0 keeps it."""


def header_of(shared: Path, name: str) -> list[str]:
    """A vendor's own header line."""
    text = (shared / "data" / "vendor_formats" / name).read_text(encoding="utf-8").strip()
    return text.split("\t") if name.endswith(".tsv") else next(csv.reader([text]))


def write_table(
    path: Path, header: Sequence[str], rows: Iterable[Cells], writing: Writing, *, above: str = "", below: str = ""
) -> Path:
    columns = list(header)
    if writing.order:
        Random(writing.order).shuffle(columns)
    out = io.StringIO(newline="")
    sheet = csv.DictWriter(out, columns, restval="", delimiter=writing.separator, lineterminator=writing.end)
    sheet.writeheader()
    sheet.writerows(rows)
    path.write_bytes((above + out.getvalue() + below).encode(writing.encoding))
    return path


def major(minor: int, order: ChannelOrder, mark: str = ".") -> str:
    digits = exponent(order.currency)
    return f"{Decimal(minor).scaleb(-digits):.{digits}f}".replace(".", mark)


def number(value: Decimal | None, mark: str = ".") -> str:
    return "" if value is None else f"{value:f}".replace(".", mark)


def paid_at(order: ChannelOrder, kind: PaymentKind = PaymentKind.CAPTURED) -> datetime | None:
    return next((payment.at for payment in order.payments if payment.kind is kind), None)


def refunded(order: ChannelOrder) -> int:
    return sum(payment.amount for payment in order.payments if payment.kind is PaymentKind.REFUNDED)


def kind_of(order: ChannelOrder, kind: LineKind) -> ChannelLine | None:
    return next((line for line in order.lines if line.kind is kind), None)


def items_of(order: ChannelOrder) -> list[ChannelLine]:
    return [line for line in order.lines if line.kind is LineKind.ITEM]


def taxes_of(lines: Iterable[ChannelLine]) -> int:
    return sum(tax.amount for line in lines for tax in line.taxes)


def discounts_of(lines: Iterable[ChannelLine]) -> int:
    return sum(discount.amount for line in lines for discount in line.discounts)


def iso(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S +0000") if at else ""


def _address(prefix: str, names: Mapping[str, str], address: Address | None) -> Cells:
    if address is None:
        return {}
    return {f"{prefix}{column}": str(getattr(address, part)) for column, part in names.items()}


SHOPIFY_ADDRESS = {
    "Name": "name", "Company": "company", "Address1": "line1", "Address2": "line2", "Zip": "postcode", "City": "city",
    "Province": "region", "Country": "country", "Phone": "phone",
}  # fmt: skip


def shopify_rows(order: ChannelOrder, writing: Writing) -> Iterable[Cells]:
    def money(minor: int) -> str:
        return major(minor, order, writing.mark)

    items, shipping = items_of(order), kind_of(order, LineKind.SHIPPING)
    subtotal = sum(line.amount for line in items) - discounts_of(items)
    head = {
        "Name": order.external_id,
        "Email": order.buyer.email,
        "Phone": order.buyer.phone,
        "Financial Status": "refunded" if refunded(order) else "paid" if order.payments else "pending",
        "Paid at": iso(paid_at(order)),
        "Currency": order.currency,
        "Subtotal": money(subtotal),
        "Shipping": money(shipping.amount if shipping else 0),
        "Shipping Method": shipping.name if shipping else "",
        "Taxes": money(taxes_of(order.lines)),
        "Total": money(order_total(order)),
        "Discount Code": next((discount.code for line in items for discount in line.discounts), ""),
        "Discount Amount": money(discounts_of(order.lines)),
        "Created at": iso(order.placed_at),
        "Cancelled at": iso(order.cancelled_at),
        "Payment Method": order.payments[0].method if order.payments else "",
        "Payment Reference": order.payments[0].reference if order.payments else "",
        "Refunded Amount": money(refunded(order)),
        "Notes": order.note,
        "Tags": ", ".join(order.tags),
        **{f"Tax {n} Name": tax for n, tax in enumerate(tax_names(order), start=1)},
        **{
            f"Tax {n} Value": money(sum(tax.amount for line in order.lines for tax in line.taxes if tax.name == name))
            for n, name in enumerate(tax_names(order), start=1)
        },
        **_address("Billing ", SHOPIFY_ADDRESS, order.bill_to),
        **_address("Shipping ", SHOPIFY_ADDRESS, order.ship_to),
    }
    for position, line in enumerate(items):
        yield {
            **({} if position else head),
            "Name": order.external_id,
            "Email": order.buyer.email,
            "Created at": iso(order.placed_at),
            "Lineitem quantity": str(line.quantity),
            "Lineitem name": line.name,
            "Lineitem price": number(line.unit_price, writing.mark),
            "Lineitem sku": line.sku,
            "Lineitem fulfillment status": "fulfilled" if line.shipped else "pending",
        }


def tax_names(order: ChannelOrder) -> list[str]:
    """In the order in which the tests add them: a small tax may not reach the first line."""
    return sorted({tax.name for line in order.lines for tax in line.taxes}, reverse=True)


def amazon_rows(order: ChannelOrder, writing: Writing) -> Iterable[Cells]:
    def money(minor: int) -> str:
        return major(minor, order, writing.mark)

    shipping, wrap = kind_of(order, LineKind.SHIPPING), kind_of(order, LineKind.GIFT_WRAP)
    for position, line in enumerate(items_of(order)):
        charges: dict[str, str] = {}
        for charge, name in ((shipping, "shipping"), (wrap, "gift-wrap")):
            if charge and not position:
                charges |= {f"{name}-price": money(charge.amount), f"{name}-tax": money(taxes_of([charge]))}
        if shipping and not position:
            charges["ship-promotion-discount"] = money(discounts_of([shipping]))
        address = order.ship_to or Address()
        yield {
            "amazon-order-id": order.external_id,
            "purchase-date": order.placed_at.isoformat(),
            "last-updated-date": order.version.replace("Z", "+00:00"),
            "order-status": GONE if order.cancelled_at else "Shipped",
            "sales-channel": "Amazon.fr" if order.tax_included else "Amazon.com",
            "ship-service-level": shipping.name if shipping else "Standard",
            "product-name": line.name,
            "sku": line.sku,
            "asin": "B000000000",
            "item-status": GONE if line.cancelled else "Shipped" if line.shipped else "Unshipped",
            "quantity": str(line.quantity),
            "currency": order.currency,
            "item-price": money(line.amount),
            "item-tax": money(taxes_of([line])),
            "item-promotion-discount": money(discounts_of([line])),
            "promotion-ids": next((discount.code for discount in line.discounts), ""),
            "ship-city": address.city,
            "ship-state": address.region,
            "ship-postal-code": address.postcode,
            "ship-country": address.country,
            "is-business-order": "true" if "business" in order.tags else "false",
            "purchase-order-number": order.buyer.purchase_order,
            **charges,
        }


EBAY_TO = {
    "Name": "name", "Phone": "phone", "Address 1": "line1", "Address 2": "line2", "City": "city", "State": "region",
    "Zip": "postcode", "Country": "country",
}  # fmt: skip


def ebay_rows(order: ChannelOrder, writing: Writing) -> Iterable[Cells]:
    def money(minor: int) -> str:
        return f"£{major(minor, order, writing.mark)}"

    def day(at: datetime | None) -> str:
        return at.strftime("%b-%d-%y") if at else ""

    items, shipping = items_of(order), kind_of(order, LineKind.SHIPPING)
    shared = {
        "Order Number": order.external_id,
        "Buyer Username": order.buyer.external_id,
        "Buyer Name": order.buyer.name,
        "Buyer Email": order.buyer.email,
        "Buyer Note": order.note,
        "Payment Method": order.payments[0].method if order.payments else "",
        "Sale Date": day(order.placed_at),
        "Paid On Date": day(paid_at(order)),
        "Shipping Service": shipping.name if shipping else "",
        **_address("Ship To ", EBAY_TO, order.ship_to),
    }
    sums = {
        "Shipping And Handling": money(shipping.amount if shipping else 0),
        "Seller Collected Tax": money(taxes_of(order.lines)),
        "eBay Collected Tax": money(0),
        "eBay Collected Tax Included in Total": "No",
        "Total Price": money(order_total(order)),
    }
    if len(items) > 1:
        yield {**shared, **sums}
    for line in items:
        number_of, _, label = line.sku.partition("ebay:")
        yield {
            **shared,
            **(sums if len(items) == 1 else {}),
            "Item Number": label or "110000000001",
            "Item Title": line.name,
            "Custom Label": number_of,
            "Quantity": str(line.quantity),
            "Sold For": f"£{number(line.unit_price, writing.mark)}",
            "Shipped On Date": day(order.placed_at) if line.shipped else "",
            "Transaction ID": line.external_id,
        }


ETSY_TO = {
    "Full Name": "name", "Street 1": "line1", "Street 2": "line2", "Ship City": "city", "Ship State": "region",
    "Ship Zipcode": "postcode", "Ship Country": "country",
}  # fmt: skip
ETSY_ITEM_TO = ETSY_TO | {"Ship Name": "name", "Ship Address1": "line1"}


def etsy_order_row(order: ChannelOrder, writing: Writing) -> Cells:
    def money(minor: int) -> str:
        return major(minor, order, writing.mark)

    items, shipping = items_of(order), kind_of(order, LineKind.SHIPPING)
    return {
        **_etsy_shared(order),
        "Buyer User ID": order.buyer.external_id,
        "Number of Items": str(sum(line.quantity for line in items)),
        "Order Value": money(sum(line.amount for line in items)),
        "Discount Amount": money(discounts_of(items)),
        "Coupon Code": next((discount.code for line in items for discount in line.discounts), ""),
        "Shipping Discount": money(discounts_of([shipping]) if shipping else 0),
        "Shipping": money(shipping.amount if shipping else 0),
        "Sales Tax": money(taxes_of(order.lines)),
        "Order Total": money(order_total(order)),
        "SKU": ",".join(line.sku for line in items),
        "Payment Method": order.payments[0].method if order.payments else "",
        **_address("", ETSY_TO, order.ship_to),
    }


def etsy_item_rows(order: ChannelOrder, writing: Writing) -> Iterable[Cells]:
    def money(minor: int) -> str:
        return major(minor, order, writing.mark)

    shipping = kind_of(order, LineKind.SHIPPING)
    for line in items_of(order):
        yield {
            **_etsy_shared(order),
            "Item Name": line.name,
            "Quantity": str(line.quantity),
            "Price": number(line.unit_price, writing.mark),
            "Coupon Code": next((discount.code for discount in line.discounts), ""),
            "Discount Amount": money(discounts_of([line])),
            "Shipping Discount": money(discounts_of([shipping]) if shipping else 0),
            "Order Shipping": money(shipping.amount if shipping else 0),
            "Order Sales Tax": money(taxes_of(order.lines)),
            "Transaction ID": line.external_id,
            "Listing ID": line.sku.removeprefix("etsy:"),
            "SKU": "" if line.sku.startswith("etsy:") else line.sku,
            "Payment Type": order.payments[0].method if order.payments else "",
            **{name: cell for name, cell in _address("", ETSY_ITEM_TO, order.ship_to).items() if name.startswith("Ship ")},
        }


def _etsy_shared(order: ChannelOrder) -> Cells:
    shipped = any(line.shipped for line in order.lines)
    paid = paid_at(order)
    return {
        "Sale Date": order.placed_at.strftime("%m/%d/%y"),
        "Order ID": order.external_id,
        "Buyer": order.buyer.external_id,
        "Currency": order.currency,
        "Date Paid": paid.strftime("%m/%d/%y") if paid else "",
        "Date Shipped": order.placed_at.strftime("%m/%d/%y") if shipped else "",
    }


WOO_TO = {
    "address_1": "line1", "address_2": "line2", "city": "city", "state": "region", "postcode": "postcode", "country": "country",
    "company": "company", "first_name": "name", "phone": "phone",
}  # fmt: skip
WOO_ORDER = [
    "order_id", "order_number", "date", "paid_date", "status", "shipping_total", "shipping_tax_total", "fee_total", "tax_total",
    "discount_total", "order_total", "refunded_total", "order_currency", "payment_method", "shipping_method", "customer_id",
    "billing_email", "customer_note", *(f"{side}_{part}" for side in ("billing", "shipping") for part in WOO_TO),
]  # fmt: skip
WOO_BY_ITEM = [*WOO_ORDER, "item_id", "item_name", "item_sku", "item_quantity", "item_subtotal", "item_total", "item_total_tax"]
WOO_BY_ORDER = [*WOO_ORDER, *(f"line_item_{n}" for n in range(1, 9))]


def woo_order(order: ChannelOrder, writing: Writing) -> Cells:
    def money(minor: int) -> str:
        return major(minor, order, writing.mark)

    shipping = kind_of(order, LineKind.SHIPPING)
    paid = paid_at(order)
    shipped = any(line.shipped for line in order.lines)
    return {
        "order_id": order.external_id,
        "order_number": f"N{order.external_id}",
        "date": order.placed_at.strftime("%Y-%m-%d %H:%M:%S"),
        "paid_date": paid.strftime("%Y-%m-%d %H:%M:%S") if paid else "",
        "status": "completed" if shipped else "processing" if paid else "pending",
        "shipping_total": money(shipping.amount if shipping else 0),
        "shipping_tax_total": money(taxes_of([shipping]) if shipping else 0),
        "tax_total": money(taxes_of(order.lines)),
        "discount_total": money(discounts_of(order.lines)),
        "order_total": money(order_total(order)),
        "refunded_total": money(refunded(order)),
        "order_currency": order.currency,
        "payment_method": order.payments[0].method if order.payments else "",
        "shipping_method": shipping.name if shipping else "",
        "customer_id": order.buyer.external_id,
        "billing_email": order.buyer.email,
        "customer_note": order.note,
        **_address("billing_", WOO_TO, order.bill_to),
        **_address("shipping_", WOO_TO, order.ship_to),
    }


def woo_rows_by_item(order: ChannelOrder, writing: Writing) -> Iterable[Cells]:
    for line in items_of(order):
        yield {
            **woo_order(order, writing),
            "item_id": line.external_id,
            "item_name": line.name,
            "item_sku": line.sku,
            "item_quantity": str(line.quantity),
            "item_subtotal": major(line.amount, order, writing.mark),
            "item_total": major(line.amount - discounts_of([line]), order, writing.mark),
            "item_total_tax": major(taxes_of([line]), order, writing.mark),
        }


def woo_row_by_order(order: ChannelOrder, writing: Writing) -> Cells:
    packed = {
        f"line_item_{n}": f"name:{line.name}|product_id:7|sku:{line.sku}|quantity:{line.quantity}"
        f"|total:{major(line.amount - discounts_of([line]), order)}|sub_total:{major(line.amount, order)}"
        f"|tax:{major(taxes_of([line]), order)}"
        for n, line in enumerate(items_of(order), start=1)
    }
    return {**woo_order(order, writing), **packed}


def uci_rows(order: ChannelOrder, writing: Writing, names: Sequence[str], date_format: str) -> Iterable[Cells]:
    """`names` are the columns in the order of the parquet's."""
    sign = -1 if order.external_id.startswith("C") else 1
    for line in order.lines:
        cells = (
            order.external_id,
            line.sku,
            line.name,
            str(sign * line.quantity),
            order.placed_at.astimezone(ZoneInfo("Europe/London")).strftime(date_format),
            number(line.unit_price, writing.mark),
            order.buyer.external_id,
            order.ship_to.region or order.ship_to.country if order.ship_to else "",
        )
        yield dict(zip(names, cells, strict=True))
