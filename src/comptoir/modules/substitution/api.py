"""The door to substitution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from comptoir.kernel.checking import Checks
from comptoir.kernel.ids import uuid7
from comptoir.kernel.quantities import Sku
from comptoir.kernel.quantities import sku as clean_sku
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import Sellable, Unit
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import Fulfilment, FulfilmentId, FulfilmentLine, LineUnits, RejectReason
from comptoir.modules.fulfilment.errors import NotThatMany
from comptoir.modules.inventory import api as inventory
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import LineQuantity, Order, OrderId
from comptoir.modules.orders.errors import UnknownLine
from comptoir.modules.pricing import api as pricing
from comptoir.modules.substitution import domain, store
from comptoir.modules.substitution.contracts import (
    MOST,
    Consent,
    Offer,
    OrderSubstituted,
    Settle,
    Substitution,
    SubstitutionId,
)
from comptoir.modules.substitution.errors import NotASubstitute, SubstitutionNotAllowed
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Page

MAX_ROWS = 5000


# What stands in for what


async def put_substitutes(tx: Tx, wanted: Mapping[str, Sequence[str]]) -> None:
    """What may be taken instead of these SKUs from now on, the best first; none takes all of a SKU's away. Raises Invalid."""
    checks = Checks()
    checks.require("rows", 1 <= len(wanted) <= MAX_ROWS, f"has 1 to {MAX_ROWS} rows")
    clean: dict[str, list[str]] = {}
    for n, (sku, others) in enumerate(wanted.items()):
        name = checks.parsed(f"rows[{n}].sku", clean_sku, sku, Sku(""))
        names = [checks.parsed(f"rows[{n}].substitutes[{m}]", clean_sku, one, Sku("")) for m, one in enumerate(others)]
        checks.require(f"rows[{n}].substitutes", len(names) <= MOST, f"has at most {MOST} SKUs")
        checks.require(f"rows[{n}].substitutes", len(set(names)) == len(names), "names a SKU twice")
        checks.require(f"rows[{n}].substitutes", name not in names, "names the SKU itself")
        clean[name] = [str(one) for one in names]
    every = sorted({sku for sku, others in clean.items() for sku in (sku, *others)})
    known = await catalogue.known(tx, every) if not checks.errors else set(every)
    checks.require("rows", set(every) <= known, f"has unknown SKUs: {', '.join(sorted(set(every) - known)[:5])}")
    checks.done()
    await store.put_substitutes(tx, clean)


async def substitutes(reader: Reader, skus: Sequence[str]) -> dict[str, list[str]]:
    """Of those of these SKUs that have any, the best first."""
    return await store.substitutes(reader, skus) if skus else {}


async def find(
    reader: Reader, sku_begins: str = "", *, limit: int = 50, cursor: str | None = None
) -> Page[tuple[str, tuple[str, ...]]]:
    """SKUs with what stands in for them, by SKU."""
    return await store.LISTING.page(reader, store.where(sku_begins), sort="sku", limit=limit, cursor=cursor)


# What buyers have agreed to


async def agree(tx: Tx, order_id: OrderId, consents: Mapping[int, Consent]) -> None:
    """What the buyer has agreed to, of the order (line 0) and of its lines; lines that are not named follow the order's. Raises
    NotFound and UnknownLine.
    """
    order = await orders.load(tx, order_id)
    for line_no in consents:
        if line_no and line_no not in {line.line_no for line in order.lines}:
            raise UnknownLine(line_no=line_no)
    await orders.put_consents(tx, order_id, {no: consent.value for no, consent in consents.items()})


async def consents(reader: Reader, order_id: OrderId) -> dict[int, Consent]:
    """By line, 0 for the order."""
    found = await orders.consents(reader, order_id)
    return {no: Consent(text) for no, text in found.items()}


async def of_order(reader: Reader, order_id: OrderId) -> list[Substitution]:
    """What was taken instead, the oldest first."""
    return await store.of_order(reader, order_id)


# At the shelf


async def offers(reader: Reader, fulfilment_id: FulfilmentId, lines: Sequence[int] | None = None) -> dict[int, list[Offer]]:
    """What may be taken instead of the lines that are not picked, and lies here; those named, or (None) all. Raises
    UnknownFulfilment.
    """
    one = await fulfilment.get(reader, fulfilment_id)
    wanted = [line for line in one.lines if line.picked < line.quantity and (lines is None or line.line_no in lines)]
    known = await store.substitutes(reader, sorted({line.sku for line in wanted}))
    if not known:
        return {}
    agreed = await consents(reader, one.order_id)
    order = await orders.order(reader, one.order_id)
    found: dict[int, list[Offer]] = {}
    for line in wanted:
        consent = domain.consent_of(agreed, line.line_no)
        if consent is not Consent.NONE and line.sku in known:
            found[line.line_no] = await _offers(reader, one, order, line, known[line.sku], consent)
    return {no: rows for no, rows in found.items() if rows}


async def _offers(
    reader: Reader, one: Fulfilment, order: Order, line: FulfilmentLine, skus: Sequence[str], consent: Consent
) -> list[Offer]:
    sold = await catalogue.sellable(reader, [line.sku, *skus])
    prices = await pricing.prices(reader, order.market, list(skus))
    levels = await inventory.levels_at(reader, [(sku, one.location_id) for sku in skus])
    gtins = await catalogue.gtins(reader, list(skus))
    ordered = next(row for row in order.lines if row.line_no == line.line_no)
    rows: list[Offer] = []
    for rank, sku in enumerate(skus, 1):
        level, other = levels.get((sku, one.location_id)), sold.get(sku)
        if other is None or not _alike(sold.get(line.sku), other) or level is None or level.available <= 0:
            continue
        per = 1000 if other.unit == Unit.THOUSANDTH else 1
        price = prices.get(sku)
        rate = price.tax_rate if price is not None else Decimal(0)
        most = domain.most_to_pay(ordered.total, ordered.quantity, rate, per=per, tax_included=order.tax_included)
        unit_price = domain.price_of(consent, None if price is None else price.amount, most)
        if unit_price is not None:
            rows.append(Offer(sku, other.name, rank, level.available, unit_price, per == 1000, gtins.get(sku, "")))
    return rows


def _alike(before: Sellable | None, other: Sellable) -> bool:
    """Whether it is sold, and counted in the same way."""
    return other.active and other.stocked and (before is None or before.unit == other.unit)


async def substitute(
    tx: Tx,
    fulfilment_id: FulfilmentId,
    line_no: int,
    quantity: int,
    sku: str,
    settle: Settle,
    reason: RejectReason = RejectReason.NOT_FOUND,
    *,
    theirs: bool = False,
) -> Substitution:
    """So many units of another SKU are in hand instead of units of this line that are not there: they are promised here, picked
    and cost no more; what is not there is counted again, and the buyer is owed what is cheaper.

    What a third party has in hand only they exchange (`theirs`); anybody else has them stop first.

    Raises UnknownFulfilment, NotThatMany, SubstitutionNotAllowed, NotASubstitute, InsufficientStock, AtThirdParty, and what
    stands against picking.
    """
    order = await orders.load(tx, (await fulfilment.get(tx, fulfilment_id)).order_id)
    if not theirs:
        await fulfilment.require_free_at(tx, fulfilment_id)
    one = await fulfilment.begin(tx, fulfilment_id)
    line = next((row for row in one.lines if row.line_no == line_no), None)
    left = 0 if line is None else line.quantity - line.picked
    if line is None or not 1 <= quantity <= left:
        raise NotThatMany(lines=[{"line_no": line_no, "asked": quantity, "open": left}])
    if domain.consent_of(await consents(tx, order.id), line_no) is Consent.NONE:
        raise SubstitutionNotAllowed(line_no=line_no)
    found = (await offers(tx, fulfilment_id, [line_no])).get(line_no, [])
    offer = next((row for row in found if row.sku == sku), None)
    if offer is None:
        raise NotASubstitute(sku=sku, instead_of=line.sku)
    before = (await orders.standing(tx, order.id)).value
    wanted = [orders.Addition(sku, quantity, offer.unit_price)]
    (by_line_no,) = await orders.add_lines(tx, order.id, wanted, [], [one.location_id], backorder=False)
    await fulfilment.join(tx, one.id, FulfilmentLine(by_line_no, sku, offer.name, quantity, picked=quantity))
    await fulfilment.reject(tx, one.id, [LineUnits(line_no, quantity)], reason)
    await orders.cancel(tx, order.id, [LineQuantity(line_no, quantity)], "substituted")
    after = (await orders.standing(tx, order.id)).value
    assert after <= before, "nobody pays more for what they did not order"
    made = Substitution(
        id=SubstitutionId(uuid7()),
        order_id=order.id,
        fulfilment_id=one.id,
        location_id=one.location_id,
        line_no=line_no,
        sku=line.sku,
        by_line_no=by_line_no,
        by_sku=sku,
        quantity=quantity,
        unit_price=offer.unit_price,
        difference=before - after,
        at=tx.now,
        actor=tx.actor,
    )
    await store.insert(tx, made)
    await settle(tx, order.id, made.id)
    tx.emit(
        OrderSubstituted(
            order_id=order.id,
            substitution_id=made.id,
            fulfilment_id=one.id,
            location_id=one.location_id,
            line_no=line_no,
            sku=line.sku,
            name=line.name,
            by_line_no=by_line_no,
            by_sku=sku,
            by_name=offer.name,
            quantity=quantity,
            weighed=offer.weighed,
            difference=made.difference,
        )
    )
    return made
