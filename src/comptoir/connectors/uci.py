"""UCI Online Retail (I and II): a UK gift retailer's and wholesaler's invoices, one row per line, in all published headers.

What its rows are, as the data show:

- An invoice is a sale. Its rows stand almost always together, but at times those of two invoices of one minute are mixed;
  its few rows that differ in their minute are one invoice all the same, placed at the first of them.
- `C…` invoices are credits: units came back or money was given back. Quantities count units, amounts are negative (one row
  of the whole year has a positive quantity and charges money; it keeps its sign).
- `A…` invoices write off bad debt: credits with nothing but adjustments on them.
- An invoice of one row without customer and without price sells nothing: somebody corrected the stock, and the description
  says why (damaged, found, missing, ?). Its quantity is the signed change. Such a row for something that is not stocked
  says nothing at all and is skipped.
- Any other row without a price is an item given free: on a paid invoice, or among the rows of a parcel of samples.
- Postage, fees, vouchers, discounts, manual and test lines are no items; `KINDS` says what they are.
- Repeated rows of an invoice are separate lines: the data set's own totals count them.

Fourteen rows cost a tenth of a penny. The fraction that each leaves is carried to the next such line of the file rather
than dropped, so that the amounts of all orders add up to the file's exact sum, rounded once (9,539,484.63 for 2009-2010;
rounding every line by itself gives 9,539,484.62).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from comptoir.kernel.money import Currency, exponent, round_half_even
from comptoir.sdk.countries import country_code
from comptoir.sdk.orderfiles import (
    Caution,
    Facet,
    Field,
    FieldKind,
    Mapper,
    Record,
    Setting,
    SkippedRow,
    StockAdjustmentRow,
    TakenOrder,
    header_score,
    item_sku,
    order_version,
)
from comptoir.sdk.orders import Address, Buyer, ChannelLine, ChannelOrder, LineKind, OrderKind

CANCELLATION = "cancellation"
BAD_DEBT = "bad-debt"

KINDS: tuple[tuple[re.Pattern[str], LineKind], ...] = (
    (re.compile(r"POST|DOT|C[23]"), LineKind.SHIPPING),
    (re.compile(r"GIFT(_.*)?"), LineKind.GIFT_CARD),
    (re.compile(r"BANK CHARGES|AMAZONFEE|CRUK"), LineKind.FEE),
    (re.compile(r"M|D|S|B|ADJUST\d*|TEST\d*"), LineKind.ADJUSTMENT),
)
"""Codes that are no items: postage, dotcom postage, carriage; vouchers; bank and Amazon fees and the charity's commission;
manual lines, discounts, samples, bad debt, adjustments and tests."""

_GBP = Currency("GBP")
_NUMBERED = re.compile(r"(\d+)\.0")
_CREDITS = {"C": CANCELLATION, "A": BAD_DEBT}


def line_kind(code: str) -> LineKind:
    """What a stock code is, whatever its case."""
    upper = code.strip().upper()
    return next((kind for pattern, kind in KINDS if pattern.fullmatch(upper)), LineKind.ITEM)


@dataclass(frozen=True, slots=True)
class UciLayout:
    name: str = "uci"
    label: str = "UCI Online Retail"
    time_zone: str = "Europe/London"
    fields: tuple[Field, ...] = (
        Field("invoice", ("InvoiceNo", "Invoice"), required=True),
        Field("code", ("StockCode",), required=True),
        Field("description", ("Description",)),
        Field("quantity", ("Quantity",), FieldKind.NUMBER, required=True),
        Field("date", ("InvoiceDate",), FieldKind.DATE, required=True),
        Field("price", ("UnitPrice", "Price"), FieldKind.NUMBER, required=True),
        Field("customer", ("CustomerID", "Customer ID")),
        Field("country", ("Country",)),
    )
    facets: tuple[Facet, ...] = (Facet("customers", "customer"), Facet("countries", "country"), Facet("invoices", "invoice"))

    def detect(self, header: Sequence[str]) -> float:
        return header_score(self.fields, header)

    def key(self, record: Record) -> str:
        return _number(record.text("invoice"))

    def mapper(self, setting: Setting) -> Mapper:
        return _Invoices(setting)


class _Invoices:
    """Maps one invoice after another; remembers the fraction of a penny that the last line left."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._currency = setting.options.currency or _GBP
        self._carry = Decimal(0)

    def __call__(self, records: Sequence[Record]) -> Sequence[TakenOrder | StockAdjustmentRow | SkippedRow]:
        first, invoice = records[0], _number(records[0].needed("invoice"))
        carry = self._carry
        try:
            if len(records) == 1 and _corrects_stock(first, invoice):
                return [_stock_row(first, invoice)]
            return [self._order(records, invoice)]
        except BaseException:
            self._carry = carry
            raise

    def _order(self, records: Sequence[Record], invoice: str) -> TakenOrder:
        first = records[0]
        tag = _CREDITS.get(invoice[0].upper(), "")
        times = [record.needed_time("date") for record in records]
        country = first.text("country")
        code = country_code(country)
        lines = tuple(self._line(record, credit=bool(tag)) for record in records)
        order = ChannelOrder(
            external_id=invoice,
            version=order_version(*times),
            placed_at=min(times),
            currency=self._currency,
            lines=lines,
            kind=OrderKind.CREDIT if tag else OrderKind.SALE,
            buyer=Buyer(external_id=_number(first.text("customer"))),
            ship_to=Address(country=code, region="" if code or country == "Unspecified" else country) if country else None,
            tags=(tag,) if tag else (),
        )
        charged = tag == CANCELLATION and any(line.amount > 0 for line in lines)
        cautions = (Caution("credit_charges", "A line of this credit charges money."),) if charged else ()
        return TakenOrder(order, tuple(record.row for record in records), cautions)

    def _line(self, record: Record, *, credit: bool) -> ChannelLine:
        code, quantity = record.needed("code"), record.quantity("quantity")
        if quantity < 0 and not credit:
            record.refuse(
                "negative_quantity",
                f"{quantity} units on an invoice that is no cancellation.",
                "Give the invoice a number that begins with C.",
            )
        record.needed("price")
        price = record.number("price") or Decimal(0)
        kind = line_kind(code)
        return ChannelLine(
            kind=kind,
            name=_words(record) or code,
            quantity=abs(quantity),
            amount=self._amount(record, price * quantity),
            sku=_sku(record) if kind is LineKind.ITEM else "",
            unit_price=price,
            shipped=0 if credit or kind is not LineKind.ITEM else quantity,
            external_id=str(record.row.line),
        )

    def _amount(self, record: Record, major: Decimal) -> int:
        record.minor(major, self._currency)
        exact = major.scaleb(exponent(self._currency))
        if exact == exact.to_integral_value():
            return int(exact)
        whole = round_half_even(exact + self._carry)
        self._carry += exact - whole
        return whole


def _corrects_stock(record: Record, invoice: str) -> bool:
    return (
        invoice[0].upper() not in _CREDITS
        and not record.number("price")
        and bool(record.text("price"))
        and not record.text("customer")
    )


def _stock_row(record: Record, invoice: str) -> StockAdjustmentRow | SkippedRow:
    code = record.needed("code")
    if line_kind(code) is not LineKind.ITEM:
        return SkippedRow(record.row, "nothing_to_record", f"{code} is not stocked, and the row has no price.")
    return StockAdjustmentRow(
        record.row, invoice, _sku(record), record.quantity("quantity"), record.needed_time("date"), _words(record)
    )


def _sku(record: Record) -> str:
    return item_sku(record, "code")


def _words(record: Record) -> str:
    """The description; the published parquet writes a missing one as nan."""
    text = record.text("description")
    return "" if text.casefold() == "nan" else text


def _number(text: str) -> str:
    """An invoice's or customer's number; spreadsheets turn 17850 into 17850.0."""
    match = _NUMBERED.fullmatch(text)
    return match[1] if match else ("" if text.casefold() == "nan" else text)


LAYOUT = UciLayout()
