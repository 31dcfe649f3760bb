"""`comptoir import products`: sku, name, name_<language>, gtin, brand, category, price, currency, tax_rate, market,
weight_g, dangerous, lots, shelf_life_left.

Only sku and name must be there. A price needs a currency, in its column, in the cell (12,50 €) or set for the file. A tax
rate is a percentage (20, 5.5, 20 %) or a fraction below one (0.2). Lots are `lot` where a lot is written on the goods, `expiry`
where a date is, and `no`; the days that have to be left when the goods reach their buyer need one of the first two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from stdnum import ean

from comptoir.connectors.plain.reading import plain_file, read_rows, whole_number, yes_or_no
from comptoir.kernel.money import Currency
from comptoir.kernel.quantities import Sku
from comptoir.sdk.orderfiles import Field, FieldKind, Record, RejectedRow, item_sku, the_currency
from comptoir.sdk.records import ProductRecord
from comptoir.sdk.tabular import Options, Table, Watch, currency_in

_NUMBER = FieldKind.NUMBER
_NAME_IN = re.compile(r"(?:name|nom)[ _-]([a-z]{2})", re.IGNORECASE)

PRODUCT_FIELDS = (
    Field("sku", ("sku", "reference", "référence", "article"), required=True),
    Field("name", ("name", "title", "nom", "désignation"), required=True),
    Field("gtin", ("gtin", "ean", "upc", "barcode", "code-barres")),
    Field("brand", ("brand", "marque")),
    Field("category", ("category", "catégorie")),
    Field("price", ("price", "prix"), _NUMBER),
    Field("currency", ("currency", "devise")),
    Field("tax_rate", ("tax_rate", "vat_rate", "taux_tva", "tva")),
    Field("market", ("market", "marché")),
    Field("weight_g", ("weight_g", "grams", "poids_g"), _NUMBER),
    Field("dangerous", ("dangerous", "hazmat", "dangereux", "matières dangereuses")),
    Field("lots", ("lots", "lot_tracking", "suivi_lots")),
    Field("shelf_life_left", ("shelf_life_left", "days_left", "jours_restants"), _NUMBER),
)


def read_products(
    table: Table, options: Options | None = None, watch: Watch | None = None
) -> Iterator[ProductRecord | RejectedRow]:
    """The file's products in order; raises MissingColumns and Undecided before the first."""
    options = options or Options()
    file = plain_file(table, PRODUCT_FIELDS, options)
    languages = {match[1].lower(): name for name in table.header if (match := _NAME_IN.fullmatch(name))}
    return read_rows(file.records(watch), lambda record: _product(record, languages, options))


def _product(record: Record, languages: dict[str, str], options: Options) -> ProductRecord:
    record.needed("sku")
    price, code = _price(record, options)
    return ProductRecord(
        line=record.row.line,
        sku=Sku(item_sku(record, "sku")),
        name=record.needed("name"),
        names={language: text for language, column in languages.items() if (text := record.cells.get(column, "").strip())},
        gtin=_gtin(record),
        brand=record.text("brand"),
        category=" > ".join(part.strip() for part in re.split(r"[>/]", record.text("category")) if part.strip()),
        price=price,
        currency=code,
        tax_rate=_rate(record),
        market=record.text("market"),
        weight_g=whole_number(record, "weight_g", most=100_000_000),
        dangerous=yes_or_no(record, "dangerous"),
        lots=_lots(record),
        shelf_life_left=whole_number(record, "shelf_life_left", most=3650),
    )


_LOTS = {
    "lot": "lot",
    "lots": "lot",
    "batch": "lot",
    "expiry": "expiry",
    "expires": "expiry",
    "date": "expiry",
    "péremption": "expiry",
    "dlc": "expiry",
    "ddm": "expiry",
    "no": "no",
    "non": "no",
    "none": "no",
    "aucun": "no",
}


def _lots(record: Record) -> str | None:
    text = record.text("lots").casefold()
    if not text:
        return None
    if text not in _LOTS:
        return record.refuse("bad_lots", f"lots: {text!r} is neither lot, expiry nor no.", "Write lot, expiry or no.")
    return _LOTS[text]


def _price(record: Record, options: Options) -> tuple[int | None, Currency | None]:
    text = record.text("price")
    if not text:
        return None, None
    code = the_currency(record, "currency", currency_in(text) or options.currency)
    price = record.amount("price", code)
    if price < 0:
        record.refuse("negative_price", f"The price {text} is below zero.", "Correct the price.")
    return price, code


def _gtin(record: Record) -> str:
    text = re.sub(r"[\s.-]", "", record.text("gtin").removeprefix("'"))
    if text and not ean.is_valid(text):
        record.refuse(
            "bad_gtin", f"{text!r} is not a GTIN: its length or check digit is wrong.", "Correct it, or leave it empty."
        )
    return text


def _rate(record: Record) -> Decimal | None:
    text = record.text("tax_rate").replace("%", "").replace(",", ".").strip()
    if not text:
        return None
    rate = Decimal(text) if re.fullmatch(r"\d{1,3}(\.\d{1,6})?", text) else None
    if rate is None or rate > 100:
        return record.refuse("bad_tax_rate", f"{record.text('tax_rate')!r} is not a rate.", "Write a percentage such as 20.")
    return rate if rate < 1 else rate.scaleb(-2)
