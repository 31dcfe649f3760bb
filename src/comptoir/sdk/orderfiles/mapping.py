"""Rules that several layouts share: what an order comes to, how it is told from its older self, how sums are shared over
lines.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from comptoir.kernel.money import Currency, currency, exponent, split
from comptoir.kernel.quantities import MAX_SKU_LENGTH, sku
from comptoir.sdk.countries import country_code
from comptoir.sdk.orderfiles.contract import Caution, Field, Record, Setting, SkippedRow
from comptoir.sdk.orders import Address, ChannelLine, ChannelOrder, Discount, LineKind, Tax
from comptoir.sdk.tabular import MissingSku

_PERCENT = re.compile(r"(\d{1,3}(?:[.,]\d{1,4})?)\s*%")

_ADDRESS = ("name", "first_name", "last_name", "company", "line1", "line2", "postcode", "city", "region", "country", "phone")


def line_due(line: ChannelLine, *, tax_included: bool) -> int:
    """What the buyer pays for one line."""
    net = line.amount - sum(discount.amount for discount in line.discounts)
    return net if tax_included else net + sum(tax.amount for tax in line.taxes)


def order_total(order: ChannelOrder) -> int:
    """What the buyer pays for an order, in minor units; negative for a credit."""
    return sum(line_due(line, tax_included=order.tax_included) for line in order.lines)


def order_version(*times: datetime | None, step: int = 0) -> str:
    """A version that grows with an order: the latest time known of it, then a number for changes that leave no time.

    Files say rarely when an order last changed, but always when it was paid, sent or cancelled, and how much of it was refunded
    (the usual `step`).
    """
    latest = max(time for time in times if time is not None).astimezone(UTC)
    return f"{latest:%Y-%m-%dT%H:%M:%SZ}" + (f".{step:015d}" if step else "")


def reconcile(
    lines: Sequence[ChannelLine], stated: int, code: Currency, *, tax_included: bool
) -> tuple[tuple[ChannelLine, ...], tuple[Caution, ...]]:
    """The lines, with an adjustment line for what they lack to the total that the channel states.

    The channel's total is a fact: it was paid. What its lines leave unexplained (a tip, an edited price) is kept visible.
    """
    difference = stated - sum(line_due(line, tax_included=tax_included) for line in lines)
    if not difference:
        return tuple(lines), ()
    adjustment = ChannelLine(LineKind.ADJUSTMENT, "Difference to the stated total", 1, difference)
    major = Decimal(difference).scaleb(-exponent(code))
    return (*lines, adjustment), (Caution("total_adjusted", f"The lines differ from the stated total by {major} {code}."),)


def share_discount(lines: Sequence[ChannelLine], amount: int, code: str = "", label: str = "") -> list[ChannelLine]:
    """The lines with a discount of the whole order shared over them in proportion to what each still costs."""
    if not amount or not lines:
        return list(lines)
    weights = [max(0, line_due(line, tax_included=True)) for line in lines]
    parts = split(amount, weights)
    return [
        replace(line, discounts=(*line.discounts, Discount(part, code, label))) if part else line
        for line, part in zip(lines, parts, strict=True)
    ]


def share_tax(lines: Sequence[ChannelLine], amount: int, name: str, rate: Decimal | None = None) -> list[ChannelLine]:
    """The lines with a tax of the whole order shared over them in proportion to what each costs after discounts."""
    if not amount or not lines:
        return list(lines)
    weights = [max(0, line_due(line, tax_included=True)) for line in lines]
    parts = split(amount, weights)
    return [
        replace(line, taxes=(*line.taxes, Tax(part, name, rate))) if part else line
        for line, part in zip(lines, parts, strict=True)
    ]


def rate_in(name: str) -> Decimal | None:
    """The rate that a tax's name states, as a fraction: 0.2 for `VAT 20%`."""
    match = _PERCENT.search(name)
    return Decimal(match[1].replace(",", ".")).scaleb(-2) if match else None


def item_sku(record: Record, field: str) -> str:
    """The row's SKU, cleaned; empty when the row has none. Raises RowProblem for one that cannot be a SKU."""
    text = record.text(field)
    if not text:
        return ""
    try:
        return sku(text)
    except ValueError as problem:
        return record.refuse("bad_sku", f"{text[:MAX_SKU_LENGTH]!r}: {problem}.", "Correct the SKU.")


def fallback_sku(record: Record, rule: MissingSku, *, listing: str = "", title: str = "") -> str:
    """What stands in for a missing SKU under the rule that is set; raises RowProblem when nothing may.

    `listing` is the listing's id with the channel before it; empty where the row has none.
    """
    if listing and rule is not MissingSku.REJECT:
        return listing[:MAX_SKU_LENGTH]
    if rule is MissingSku.TITLE and (slug := _slug(title)):
        return f"title:{slug}"[:MAX_SKU_LENGTH]
    return record.refuse("missing_sku", "The item has no SKU.", "Fill in the SKU, or set what stands in for a missing one.")


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return "-".join(re.findall(r"[a-z0-9]+", plain.casefold()))


def unique_records(records: Iterable[Record]) -> tuple[list[Record], list[SkippedRow]]:
    """The records without exact repetitions, for layouts in which a repeated row can only be an export pasted twice."""
    kept: dict[tuple[str, ...], Record] = {}
    skipped: list[SkippedRow] = []
    for record in records:
        first = kept.setdefault(tuple(record.cells.values()), record)
        if first is not record:
            skipped.append(SkippedRow(record.row, "repeated", f"The same as line {first.row.line}."))
    return list(kept.values()), skipped


def tax_is_included(setting: Setting, net: int, tax: int, stated: int | None, *, otherwise: bool) -> bool:
    """Whether prices contain their tax: as set, else as the stated total shows, else as the layout usually has it."""
    if setting.options.tax_included is not None:
        return setting.options.tax_included
    if not tax or stated is None:
        return otherwise
    return abs(stated - net) < abs(stated - net - tax)


def the_currency(record: Record, field: str, fallback: Currency | None) -> Currency:
    """The currency that a row names, else the one that is set; raises RowProblem when there is neither."""
    if text := record.text(field):
        try:
            return currency(text)
        except ValueError:
            record.refuse("unknown_currency", f"{text!r} is not a currency.", "Write the currency's ISO code, such as EUR.")
    if fallback is None:
        record.refuse("unknown_currency", "The row names no currency.", "Set the currency of the file.")
    return fallback


def the_address(record: Record, prefix: str) -> Address | None:
    """The address in the fields that begin with a prefix (`ship_city`, …); None when all of them are empty."""
    part = {name: record.text(f"{prefix}_{name}") for name in _ADDRESS}
    if not any(part.values()):
        return None
    country = country_code(part["country"])
    if part["country"] and not country:
        part["region"] = part["region"] or part["country"]
    name = part["name"] or f"{part['first_name']} {part['last_name']}".strip()
    return Address(
        name=name,
        company=part["company"],
        line1=part["line1"],
        line2=part["line2"],
        postcode=part["postcode"].removeprefix("'"),
        city=part["city"],
        region=part["region"],
        country=country,
        phone=part["phone"].removeprefix("'"),
    )


def address_fields(prefix: str, **aliases: tuple[str, ...]) -> tuple[Field, ...]:
    """The fields that `the_address` reads, each by its aliases."""
    assert aliases.keys() <= set(_ADDRESS), "an address has no such part"
    return tuple(Field(f"{prefix}_{name}", names) for name, names in aliases.items())
