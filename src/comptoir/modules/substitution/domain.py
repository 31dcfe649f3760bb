"""The rules of substitution, as functions of values."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_FLOOR, Decimal

from comptoir.modules.substitution.contracts import Consent


def consent_of(consents: Mapping[int, Consent], line_no: int) -> Consent:
    """The line's own, the order's, or none at all. The order's is that of line 0."""
    return consents.get(line_no, consents.get(0, Consent.NONE))


def most_to_pay(total: int, quantity: int, rate: Decimal, *, per: int, tax_included: bool) -> int:
    """The highest unit price, in minor units, at which units of another SKU cost no more than those that were ordered: `total`
    is what the buyer pays for the line, with its tax, and `rate` the tax of the other SKU.
    """
    paid = Decimal(max(0, total)) * per / quantity
    net = paid if tax_included else paid / (1 + rate)
    return int(net.to_integral_value(ROUND_FLOOR))


def price_of(consent: Consent, usual: int | None, most: int) -> int | None:
    """What is asked for one; None where the buyer has not agreed. What is usually cheaper costs less here too."""
    match consent:
        case Consent.NONE:
            return None
        case Consent.SAME_PRICE:
            return usual if usual is not None and usual <= most else None
        case Consent.ANY:
            return most if usual is None else min(usual, most)
