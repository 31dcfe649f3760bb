"""What is being sold, as figures: rolled up from the event log, so that a page that shows them scans no orders."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from comptoir.modules.orders.contracts import Clock, Grain, LivePulse, Trade
from comptoir.modules.orders.store import figures as store
from comptoir.modules.orders.store.figures import TradeKey
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.events import Recorded

CONSUMER = "orders.trade"
FOREVER = datetime(9999, 1, 1, tzinfo=UTC)
BEGINNING = datetime(1, 1, 1, tzinfo=UTC)

_Sums = dict[TradeKey, Counter[str]]


async def roll_up(tx: Tx, events: Sequence[Recorded]) -> None:
    """A consumer's handler: its cursor makes it count everything once."""
    sums: _Sums = defaultdict(Counter)
    later = sorted({e.subject for e in events if e.subject is not None and e.type in _LATER})
    orders = await store.placed(tx, later) if later else {}
    for event in events:
        if event.type == "order.placed":
            _add_placed(sums, event)
        elif event.type in _LATER and event.subject is not None and event.subject in orders:
            placed_at, currency, channel = orders[event.subject]
            _add(sums, event.at, placed_at, channel, currency, _LATER[event.type](event))
    if sums:
        await store.add(tx, sums)


def _add_placed(sums: _Sums, event: Recorded) -> None:
    data = event.data
    credit = data["kind"] == "credit"
    amounts = Counter(
        orders=0 if credit else 1,
        credits=1 if credit else 0,
        lines=len(msgspec.convert(data["lines"], list[object])),
        units=_number(event, "quantity") * (-1 if credit else 1),
        total=_number(event, "total"),
    )
    placed_at = datetime.fromisoformat(str(data["placed_at"]))
    _add(sums, event.at, placed_at, str(data["channel"]), str(data["currency"]), amounts)


def _cancelled(event: Recorded) -> Counter[str]:
    return Counter(cancelled=_units(event), cancelled_total=_number(event, "refundable"))


def _returned(event: Recorded) -> Counter[str]:
    return Counter(returned=_units(event), returned_total=_number(event, "refundable"))


def _given_back(event: Recorded) -> Counter[str]:
    return Counter(returned=-_units(event), returned_total=-_number(event, "worth"))


def _updated(event: Recorded) -> Counter[str]:
    return Counter(units=_number(event, "quantity_change"), total=_number(event, "total_change"))


_LATER = {
    "order.cancelled": _cancelled,
    "order.returned": _returned,
    "order.given_back": _given_back,
    "order.updated": _updated,
}
"""What becomes of orders: it counts for the minute in which the order was placed, and for the one in which we were told."""


def _number(event: Recorded, name: str) -> int:
    return int(str(event.data[name]))


def _units(event: Recorded) -> int:
    return _number(event, "units")


def _add(sums: _Sums, told: datetime, placed: datetime, channel: str, currency: str, amounts: Counter[str]) -> None:
    for clock, at in ((Clock.PLACED, placed), (Clock.RECORDED, told)):
        minute = at.astimezone(UTC).replace(second=0, microsecond=0)
        own = sums[TradeKey(clock, minute, channel, currency)]
        for name, amount in amounts.items():
            own[name] += amount


async def trade_drift(reader: Reader) -> tuple[int, int]:
    """How many minutes and hours of the roll-up were added up again from the history of the orders, and how many are wrong."""
    return await store.drift(reader, CONSUMER)


async def rebuild_trade(tx: Tx) -> int:
    """Adds the roll-up up again from the history of the orders; says how many minutes and hours were wrong."""
    await store.hold_back(tx, CONSUMER)
    _, wrong = await store.drift(tx, CONSUMER)
    await store.rebuild(tx, CONSUMER)
    return wrong


async def trade(
    reader: Reader,
    clock: Clock = Clock.PLACED,
    grain: Grain = Grain.DAY,
    *,
    since: datetime = BEGINNING,
    until: datetime = FOREVER,
    by_channel: bool = True,
    zone: str = "UTC",
) -> list[Trade]:
    """What was sold from `since` to before `until`, per span of the grain in that time zone, or altogether."""
    return await store.read(reader, clock, grain, since, until, by_channel=by_channel, zone=zone)


async def last_minutes(
    reader: Reader, minutes: int, clock: Clock = Clock.RECORDED, until: datetime | None = None
) -> list[Trade]:
    """The last so many minutes that have something, by channel and currency; `until` is now, or the end of a replay's time."""
    end = (until or datetime.now(UTC)).replace(second=0, microsecond=0) + timedelta(minutes=1)
    return await trade(reader, clock, Grain.MINUTE, since=end - timedelta(minutes=minutes), until=end)


async def last_trade(reader: Reader, clock: Clock = Clock.PLACED) -> datetime | None:
    """The last minute in which something was sold: the present of a replay."""
    return await store.last(reader, clock)


async def live(
    reader: Reader, since: datetime, until: datetime | None = None, clock: Clock = Clock.RECORDED
) -> list[LivePulse]:
    """What each channel sells per minute between two instants, as of whole minutes; `until` is now."""
    end = until or datetime.now(UTC)
    minutes = max(1.0, (end - since).total_seconds() / 60)
    rows = await trade(reader, clock, Grain.ALL, since=since, until=end)
    return [LivePulse(row.channel, row.currency, row.orders, row.orders / minutes, row.units, row.total) for row in rows]
