"""How an import is spoken of: what becomes of rows, why some are left out, and what they were about."""

from __future__ import annotations

from collections.abc import Mapping

from comptoir.i18n import N_
from comptoir.modules.imports.contracts import ImportKind, RunState
from comptoir.surfaces.console.web import Visit
from comptoir.surfaces.imports.advice import UNKNOWN_SKU, Origin

KIND_WORDS = {
    ImportKind.ORDERS: N_("Orders"),
    ImportKind.PRODUCTS: N_("Products"),
    ImportKind.STOCK: N_("Stock"),
    ImportKind.LOCATIONS: N_("Locations"),
    ImportKind.POSTCODES: N_("Postcodes"),
    ImportKind.BINS: N_("Bins"),
}
KIND_ICONS = {
    ImportKind.ORDERS: "receipt",
    ImportKind.PRODUCTS: "tags",
    ImportKind.STOCK: "packages",
    ImportKind.LOCATIONS: "map-pin",
    ImportKind.POSTCODES: "map-pin",
    ImportKind.BINS: "packages",
}
KIND_MEANINGS = {
    ImportKind.ORDERS: N_("that a channel has taken already: exports of Shopify, Amazon, eBay, Etsy, WooCommerce and others"),
    ImportKind.PRODUCTS: N_("sku and name; if wanted gtin, category, price, tax_rate, market, weight_g, dangerous, lots"),
    ImportKind.STOCK: N_("sku, location and on_hand; if wanted safety, lot, expires"),
    ImportKind.LOCATIONS: N_("code and name; if wanted address, coordinates, opening_hours"),
    ImportKind.POSTCODES: N_("country, postcode, latitude and longitude: promises and routing know by them where a buyer is"),
    ImportKind.BINS: N_("location, sku and bin; if wanted zone and sequence: the way through the bins goes by them"),
}
STATE_WORDS = {
    RunState.WAITING: N_("Queued"),
    RunState.RUNNING: N_("Running"),
    RunState.DONE: N_("Done"),
    RunState.FAILED: N_("Stopped"),
    RunState.CANCELLED: N_("Cancelled"),
}
STATE_CODES = {
    RunState.WAITING: "queued",
    RunState.RUNNING: "running",
    RunState.DONE: "done",
    RunState.FAILED: "failed",
    RunState.CANCELLED: "cancelled",
}
_CODES: Mapping[str, str] = {
    # what became of the things that rows speak of
    "created": N_("new"),
    "changed": N_("changed"),
    "updated": N_("changed"),
    "unchanged": N_("as they were"),
    "known": N_("known already"),
    "there_already": N_("there already"),
    "units": N_("units"),
    "products": N_("products made"),
    "prices": N_("prices set"),
    "units_short": N_("units that were not there"),
    "order": N_("orders"),
    "credit": N_("credits"),
    # why rows are left out
    "blank": N_("blank row"),
    "footer": N_("closing line of the file"),
    "repeated": N_("repeated row"),
    "other_currency": N_("another currency"),
    "bad_coordinate": N_("coordinate that is none"),
    "bad_date": N_("date that is none"),
    "bad_quantity": N_("quantity that is none"),
    "bad_sku": N_("SKU that is none"),
    "bad_tax_rate": N_("tax rate that is none"),
    "duplicate_order": N_("order that is there twice"),
    "missing": N_("cell that must not be empty"),
    "missing_sku": N_("no SKU"),
    "negative_price": N_("negative price"),
    "no_items": N_("order without items"),
    "no_order_row": N_("items without their order"),
    "not_a_number": N_("not a number"),
    "not_a_quantity": N_("not a whole quantity"),
    "not_recorded": N_("could not be recorded"),
    "not_yes_or_no": N_("neither yes nor no"),
    "too_large": N_("number too large"),
    "unreadable": N_("row that cannot be read"),
    "unknown_country": N_("unknown country"),
    "unknown_currency": N_("unknown currency"),
    "unknown_location": N_("unknown location"),
    "unknown_market": N_("unknown market"),
    "lots_not_asked": N_("product without lots"),
    "lot_differs": N_("lot with another date"),
    "lot_too_long": N_("lot that is too long"),
    "unknown_sku": N_("unknown SKU"),
    "unknown_time_zone": N_("unknown time zone"),
    "zero_quantity": N_("quantity of zero"),
    # what is worth a look
    "credit_charges": N_("credit for charges"),
    "items_unknown": N_("items that are not named"),
    "no_price": N_("no price"),
    "partly_paid": N_("partly paid"),
    "total_adjusted": N_("total that did not add up"),
}


def code_words(visit: Visit, code: str) -> str:
    return visit.say(_CODES[code]) if code in _CODES else code.replace("_", " ")


def advice_words(visit: Visit, advice: str) -> str:
    """What to do about a rejected row. What names something on the console calls it as the reader sees it."""
    return visit.say(advice) if advice == UNKNOWN_SKU[Origin.CONSOLE] else advice


SEPARATORS = ((",", N_("comma")), (";", N_("semicolon")), ("tab", N_("tabulator")), ("|", N_("bar")))


def separator_words(visit: Visit, text: str) -> str:
    words = dict(SEPARATORS)
    code = "tab" if text == "\t" else text
    return visit.say(words[code]) if code in words else text


def date_words(visit: Visit) -> dict[str, str]:
    """By the order's code."""
    return {
        "day_first": visit.say(N_("day first: 31/12/2026")),
        "month_first": visit.say(N_("month first: 12/31/2026")),
    }
