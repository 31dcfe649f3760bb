"""The rules of pricing, as functions of values."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

from comptoir.kernel.checking import Checks
from comptoir.kernel.money import MAX_MINOR, Currency, currency
from comptoir.kernel.quantities import Sku, sku
from comptoir.modules.pricing.contracts import MarketDraft, PriceDraft

_COUNTRY = re.compile(r"[A-Z]{2}")
_RATE_STEP = Decimal("0.00001")
_NO_CURRENCY = Currency("XXX")


def checked_market(draft: MarketDraft, checks: Checks) -> MarketDraft:
    """The draft with clean values; what is wrong with it is in `checks`."""
    country = draft.country.strip().upper()
    checks.require("country", bool(_COUNTRY.fullmatch(country)), "is a country's two letters (ISO 3166-1)")
    code = checks.code("code", draft.code)
    return replace(
        draft,
        code=code,
        country=country,
        currency=checks.parsed("currency", currency, draft.currency, _NO_CURRENCY),
        name=checks.words("name", draft.name) or code,
        tax_name=checks.words("tax_name", draft.tax_name, most=40),
    )


def checked_price(draft: PriceDraft, checks: Checks) -> PriceDraft:
    rate = draft.tax_rate
    if not rate.is_finite() or not 0 <= rate <= 1:
        checks.refuse("tax_rate", "is a fraction from 0 to 1")
    elif rate != rate.quantize(_RATE_STEP):
        checks.refuse("tax_rate", "has at most five decimals")
    clean = checks.parsed("sku", sku, draft.sku, Sku(""))
    return PriceDraft(clean, checks.whole("amount", draft.amount, 0, MAX_MINOR), rate)
