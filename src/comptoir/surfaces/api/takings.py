"""Money by day, method, channel and place."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Annotated

from msgspec import Meta

from comptoir.kernel.checking import Checks
from comptoir.kernel.time import time_zone, utcnow
from comptoir.modules.payments import api
from comptoir.modules.payments.contracts import Taking, TakingsFilter
from comptoir.modules.staff.contracts import Scope
from comptoir.surfaces.api.answering import Call
from comptoir.surfaces.api.identifiers import parsed, show_some
from comptoir.surfaces.api.operations import Answer, PageOf, Resource
from comptoir.surfaces.api.shapes import PRINTABLE, Amount, Code, CurrencyCode, Day, LocationRef, Minor, PageQuery, Shape

takings = Resource("Takings", "Money by day, method, channel and place.")

_MONTH = 30
_YEAR = 366


class TakingShape(Shape, frozen=True, kw_only=True):
    """What moved on one day by one method, through one channel, at one place."""

    on: Day
    method: str
    channel: Annotated[Code, Meta(description="The channel that took it; the order's, where a store or a desk did.")]
    location_id: Annotated[LocationRef, Meta(description="The store or desk where it moved; null over a wire.")] | None
    currency: CurrencyCode
    captured: Amount
    refunded: Amount
    net: Annotated[Minor, Meta(description="`captured` without `refunded`.")]
    movements: Annotated[int, Meta(ge=1, description="How many entries of the ledger these are.", examples=[12])]


class TakingsQuery(PageQuery, frozen=True, kw_only=True):
    """Which money. Of a parameter that comes several times any one will do."""

    since: Annotated[Day, Meta(description="The first day; without it, thirty days before the last.")] | None = None
    until: Annotated[Day, Meta(description="The last day; without it, today.")] | None = None
    time_zone: Annotated[str, Meta(max_length=64, pattern=PRINTABLE, description="Whose days.", examples=["Europe/Paris"])] = (
        "UTC"
    )
    channel: tuple[Code, ...] = ()
    method: Annotated[str, Meta(max_length=200, pattern=PRINTABLE, description="Occurs in the method.", examples=["cash"])] = ""
    location_id: Annotated[tuple[LocationRef, ...], Meta(description="Only what moved there.")] = ()


@takings.get("/v1/payments/summary", Scope.ORDERS_READ)
async def list_takings(call: Call, query: TakingsQuery) -> Answer[PageOf[TakingShape]]:
    """Sum up what was taken and given back by day, channel, place and method, the latest day first.

    At most a year at once. Who is limited to some locations sees what moved there.
    """
    wanted = _wanted(query)
    async with call.reading() as reader:
        page = await api.find_takings(reader, wanted, limit=query.limit, cursor=query.cursor)
    return call.page(page, _shown)


def _wanted(query: TakingsQuery) -> TakingsFilter:
    """Raises Invalid for no time zone, and for no days or more than a year of them."""
    checks = Checks()
    zone = checks.parsed("time_zone", time_zone, query.time_zone, time_zone("UTC"))
    last = query.until or utcnow().astimezone(zone).date()
    last = min(last, date.max - timedelta(days=2))
    first = query.since or max(last, date.min + timedelta(days=_MONTH)) - timedelta(days=_MONTH - 1)
    checks.require("since", date.min < first <= last, "is not after `until`")
    checks.require("since", (last - first).days < _YEAR, "is at most a year before `until`")
    places = frozenset(parsed("location", one) for one in query.location_id)
    checks.done()
    return TakingsFilter(
        since=datetime.combine(first, time(), zone),
        until=datetime.combine(last + timedelta(days=1), time(), zone),
        zone=query.time_zone,
        channels=query.channel,
        method=query.method,
        locations=places,
    )


def _shown(one: Taking) -> TakingShape:
    return TakingShape(
        on=one.on,
        method=one.method,
        channel=one.channel_code,
        location_id=show_some("location", one.location_id),
        currency=one.currency,
        captured=one.captured,
        refunded=one.refunded,
        net=one.net,
        movements=one.movements,
    )
