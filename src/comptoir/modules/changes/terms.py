"""The terms on which something may come back, looked up for orders as they stand."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from typing import NamedTuple

from comptoir.kernel.checking import Checks
from comptoir.kernel.errors import Stale
from comptoir.kernel.money import MAX_MINOR
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.changes import policies
from comptoir.modules.changes.contracts import (
    MOST_SKUS,
    Policy,
    PolicyDraft,
    PolicyId,
    Reason,
    Setting,
    Sold,
    Verdict,
)
from comptoir.modules.changes.errors import UnknownPolicy
from comptoir.modules.changes.store import policies as store
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import Order, OrderId
from comptoir.modules.pricing import api as pricing
from comptoir.runtime.database import Reader, Tx

_SOONEST, _LATEST = timezone(timedelta(hours=-4)), timezone(timedelta(hours=4))
"""From Guadeloupe to Réunion: of the days that it is where buyers live, the one that is for the buyer counts."""
ON_THE_ROAD = timedelta(days=10)
"""When a parcel has arrived that nobody has told us of: late rather than early, which is for the buyer."""
_MOST_DAYS = 36_500


async def create_policy(tx: Tx, draft: PolicyDraft) -> Policy:
    """Raises Invalid and PolicyCodeTaken."""
    await _check(tx, draft)
    return await store.insert(tx, draft)


async def update_policy(tx: Tx, policy_id: PolicyId, draft: PolicyDraft, *, version: int | None = None) -> Policy:
    """Raises Invalid, UnknownPolicy, Stale and PolicyCodeTaken."""
    there = await get_policy(tx, policy_id)
    await _check(tx, draft, there.skus)
    changed = await store.update(tx, policy_id, draft, version)
    if changed is None:
        raise Stale(kind="policy", id=policy_id, version=there.version)
    return changed


async def get_policy(reader: Reader, policy_id: PolicyId) -> Policy:
    found = next((one for one in await store.everything(reader) if one.id == policy_id), None)
    if found is None:
        raise UnknownPolicy(kind="policy", id=policy_id)
    return found


async def all_policies(reader: Reader) -> list[Policy]:
    """By position."""
    return await store.everything(reader)


async def _check(reader: Reader, draft: PolicyDraft, kept: Collection[str] = ()) -> None:
    """`kept` are the SKUs that the policy has named before: they need not be in the catalogue any more."""
    checks = Checks()
    checks.code("code", draft.code)
    checks.whole("position", draft.position, 0, 1_000_000)
    checks.whole("window", draft.window, 0, _MOST_DAYS)
    checks.whole("fee", draft.fee, 0, MAX_MINOR)
    checks.whole("label_fee", draft.label_fee, 0, MAX_MINOR)
    checks.whole("approval_above", draft.approval_above or 0, 0, MAX_MINOR)
    for n, word in enumerate(draft.category):
        checks.words(f"category[{n}]", word, least=1)
    checks.require("skus", len(draft.skus) <= MOST_SKUS, f"has at most {MOST_SKUS} SKUs")
    known = await catalogue.known(reader, draft.skus) if draft.skus else set[str]()
    for n, sku in enumerate(draft.skus):
        checks.require(f"skus[{n}]", sku in known or sku in kept, "is no SKU of the catalogue")
    for n, code in enumerate(draft.channels):
        checks.code(f"channels[{n}]", code)
    for n, country in enumerate(draft.countries):
        checks.require(f"countries[{n}]", len(country) == 2 and country.isupper(), "is a country's two letters")
    ends = draft.valid_from is None or draft.valid_until is None or draft.valid_from <= draft.valid_until
    checks.require("valid_until", ends, "is before valid_from")
    checks.done()


class Terms(NamedTuple):
    """What holds for the lines of an order, by number."""

    verdicts: Mapping[int, Verdict]
    fits: Mapping[int, Policy]


async def terms(
    reader: Reader,
    order: Order,
    reasons: Mapping[int, Reason],
    setting: Setting,
    now: datetime,
    *,
    every: Sequence[Policy] | None = None,
) -> Terms:
    """On which terms these lines may come back, and why; `every` are the policies, where those that are kept are not meant."""
    by_no = {line.line_no: line for line in order.lines}
    facts = await setting.facts_of(reader, order.channel_id)
    goods = await catalogue.goods(reader, sorted({by_no[no].sku or "" for no in reasons if by_no[no].sku}))
    every = await store.everything(reader) if every is None else every
    country = str((order.ship_to or {}).get("country") or "") or (await pricing.market(reader, order.market)).country
    buyer = order.buyer or {}
    delivered = await _delivered(reader, order, setting)
    verdicts: dict[int, Verdict] = {}
    fits: dict[int, Policy] = {}
    for line_no, reason in reasons.items():
        sku = by_no[line_no].sku
        sold = Sold(
            category=goods[sku].category if sku in goods else (),
            sku=sku or "",
            channel=order.channel_code,
            country=country,
            distance=facts.distance,
            consumer=not buyer.get("company") and not buyer.get("purchase_order"),
            bought_on=order.placed_at.astimezone(UTC).date(),
            delivered_on=delivered.get(line_no),
            reason=reason,
        )
        fits[line_no] = policies.first_fit(every, sold)
        verdict = policies.allowed(fits[line_no], sold, now.astimezone(_SOONEST).date())
        verdicts[line_no] = policies.of_marketplace(verdict, fits[line_no]) if facts.marketplace else verdict
    return Terms(verdicts, fits)


async def _delivered(reader: Reader, order: Order, setting: Setting) -> dict[int, date]:
    """When the last units of each line reached the buyer; a line of which nothing has, or not all that left, is left out."""
    told = await setting.delivered_of(reader, order.id)
    found: dict[int, date] = {}
    waiting: set[int] = set()
    for shipment in await orders.shipments_of(reader, order.id):
        handed_out = order.location_id == shipment.location_id or not shipment.tracking_number
        at = told.get(shipment.id, shipment.shipped_at + (timedelta() if handed_out else ON_THE_ROAD))
        for line in shipment.lines:
            if at is None:
                waiting.add(line.line_no)
            else:
                found[line.line_no] = max(found.get(line.line_no, date.min), at.astimezone(_LATEST).date())
    return {line_no: day for line_no, day in found.items() if line_no not in waiting}


async def offers(reader: Reader, order_id: OrderId, setting: Setting, now: datetime) -> dict[int, Verdict]:
    """What may come back of an order now, by line, for somebody who has changed their mind."""
    order = await orders.order(reader, order_id)
    lines = {line.line_no: Reason.CHANGED_MIND for line in order.lines if line.sku is not None and line.shipped > line.returned}
    return dict((await terms(reader, order, lines, setting, now)).verdicts)


async def try_out(
    reader: Reader, order_id: OrderId, reason: Reason, setting: Setting, now: datetime, draft: Policy | None = None
) -> Terms:
    """What would hold for all that the buyer of an order has, for that reason, if `draft` stood among the policies."""
    order = await orders.order(reader, order_id)
    every = await store.everything(reader)
    if draft is not None:
        every = [*[one for one in every if one.id != draft.id], draft]
    lines = {line.line_no: reason for line in order.lines if line.sku is not None and line.shipped > line.returned}
    return await terms(reader, order, lines, setting, now, every=every)


async def limits(reader: Reader, order: Order, line_nos: Sequence[int], setting: Setting, now: datetime) -> list[int | None]:
    """From which amount on somebody has to approve what is given back for these lines; for none of them, for any line."""
    numbers = list(line_nos) or [line.line_no for line in order.lines]
    found = await terms(reader, order, dict.fromkeys(numbers, Reason.OTHER), setting, now)
    return [policy.approval_above for policy in found.fits.values()]
