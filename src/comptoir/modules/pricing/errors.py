"""What pricing refuses."""

from __future__ import annotations

from comptoir.kernel.errors import Conflict, NotFound


class UnknownMarket(NotFound):
    code = "unknown_market"
    title = "No such market"


class MarketCodeTaken(Conflict):
    """`data["code"]` names another market already."""

    code = "market_code_taken"
    title = "Another market has this code"


class CurrencyFixed(Conflict):
    """The market has prices, which would mean other amounts in another currency."""

    code = "currency_fixed"
    title = "The currency of a market with prices cannot change"
