"""What must be there before a file's rows can be taken: a channel for its orders, a market for its currency."""

from __future__ import annotations

from collections.abc import Sequence

from comptoir.kernel.checking import invalid
from comptoir.kernel.errors import Refusal
from comptoir.kernel.money import Currency
from comptoir.modules.channels import api as channels
from comptoir.modules.channels.contracts import ChannelDraft, ChannelKind
from comptoir.modules.channels.errors import UnknownChannel
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationDraft, LocationFilter, LocationKind, PoolDraft, PoolId
from comptoir.modules.locations.errors import UnknownPool
from comptoir.modules.pricing import api as pricing
from comptoir.modules.pricing.contracts import Market, MarketDraft
from comptoir.runtime.database import Reader, Tx

_MARKETPLACES = frozenset({"amazon", "ebay", "etsy"})
_COUNTRIES = {"EUR": "FR", "XOF": "SN", "XAF": "CM", "XPF": "PF"}
"""Of currencies whose first two letters are not their country's, as ISO 4217 usually has it."""
_TAX_ON_TOP = frozenset({"USD", "CAD"})
_POOL = "everywhere"
_PAGE = 200


class WhichMarket(Refusal):
    """Several markets have the currency. `data` has the `currency` and the `markets`."""

    code = "which_market"
    status = 422
    title = "Several markets have this currency: name one"


async def ready_channel(tx: Tx, code: str, *, layout: str, currency: Currency, market: str, zone: str) -> list[str]:
    """The channel of that code, made where there is none; says what was made.

    A new channel sells in the market of the currency, from all locations that there are. In an empty house that is one
    warehouse, `main`, which is made too.
    """
    try:
        await channels.by_code(tx, code)
    except UnknownChannel:
        pass
    else:
        return []
    sells_in, made = await ready_market(tx, currency, market)
    pool, more = await _ready_pool(tx, sells_in.country, zone)
    kind = ChannelKind.MARKETPLACE if layout in _MARKETPLACES else ChannelKind.WEB
    await channels.create(tx, ChannelDraft(code=code, name=code, kind=kind, pool_id=pool, market=sells_in.code))
    return [*made, *more, f"channel {code}"]


async def ready_market(tx: Tx, currency: Currency, code: str = "") -> tuple[Market, list[str]]:
    """The market of that code, else the one with the currency, which is made where there is none. Raises WhichMarket."""
    found = await market_of(tx, currency, code)
    if found is not None:
        return found, []
    country = _COUNTRIES.get(currency, currency[:2])
    draft = MarketDraft(code=country.lower(), currency=currency, country=country, tax_included=currency not in _TAX_ON_TOP)
    if draft.code in {market.code for market in await pricing.markets(tx)}:
        draft = MarketDraft(
            code=f"{country.lower()}-{currency.lower()}",
            currency=currency,
            country=country,
            tax_included=draft.tax_included,
        )
    made = await pricing.create_market(tx, draft)
    return made, [f"market {made.code}"]


async def market_of(reader: Reader, currency: Currency, code: str = "") -> Market | None:
    """None where no market has the currency. Raises UnknownMarket, WhichMarket, and Invalid for one of another currency."""
    if code:
        named = await pricing.market(reader, code)
        if named.currency != currency:
            raise invalid("market", f"{code} is in {named.currency}, the file in {currency}")
        return named
    fitting = [market for market in await pricing.markets(reader) if market.currency == currency]
    if len(fitting) > 1:
        codes = [market.code for market in fitting]
        raise WhichMarket(f"{', '.join(codes)} all have {currency}", currency=currency, markets=codes)
    return fitting[0] if fitting else None


async def _ready_pool(tx: Tx, country: str, zone: str) -> tuple[PoolId, list[str]]:
    """A pool of all locations, or the only one that there is."""
    try:
        return (await locations.pool_by_code(tx, _POOL)).id, []
    except UnknownPool:
        pass
    pools = (await locations.find_pools(tx, limit=2)).items
    if len(pools) == 1 and pools[0].size:
        return pools[0].id, []
    made: list[str] = []
    if not (await locations.count(tx, LocationFilter(active=True))).rows:
        await locations.create(
            tx, LocationDraft(code="main", name="Main", kind=LocationKind.WAREHOUSE, country=country, time_zone=zone)
        )
        made.append("location main")
    everywhere = [location.id async for location in locations.stream(tx, LocationFilter(active=True))]
    pool = await locations.create_pool(
        tx, PoolDraft(code=_POOL, name="Everywhere", members=[(location, 0) for location in everywhere])
    )
    return pool.id, [*made, f"stock pool {_POOL}"]


def listed(made: Sequence[str]) -> str:
    """`channel uci, market gb`."""
    return ", ".join(made)
