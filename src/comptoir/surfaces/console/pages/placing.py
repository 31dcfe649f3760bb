"""An order that somebody takes on the phone or by e-mail: products with what may be promised now, the buyer, and where it goes.

It goes through the capture desk as every order does. What is short is said with its figures, and can be taken in part or
left to wait.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound, Refusal
from comptoir.kernel.ids import from_text, to_text
from comptoir.kernel.money import Currency
from comptoir.kernel.quantities import MAX_QUANTITY
from comptoir.modules.carriers.contracts import Service
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.catalogue.contracts import VariantFilter
from comptoir.modules.channels.contracts import Channel, ChannelKind
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LOCATION_PREFIX, Location, LocationFilter, LocationId
from comptoir.modules.notices.contracts import ON_PHONES
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import (
    ORDER_PREFIX,
    Candidates,
    Charge,
    Fill,
    Held,
    OrderId,
    Placed,
    Placement,
    PlacementLine,
)
from comptoir.modules.pricing import api as pricing
from comptoir.modules.staff import api as staff
from comptoir.modules.staff.contracts import Permission
from comptoir.modules.substitution.contracts import Consent
from comptoir.runtime import idempotency
from comptoir.runtime.database import Context, Reader
from comptoir.sdk.countries import country_code
from comptoir.sdk.orders import Address, Buyer, LineKind
from comptoir.surfaces import collecting
from comptoir.surfaces.capture import Call, Key, Outcome
from comptoir.surfaces.collecting import PaidBy, Tender
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.forms import Fields, FormRefused
from comptoir.surfaces.console.pages import aisle, lists, store_desk
from comptoir.surfaces.console.pages.aisle import Whereabouts
from comptoir.surfaces.console.pages.collect_words import PAID_WORDS
from comptoir.surfaces.console.pages.consent_words import consent_of, consent_options
from comptoir.surfaces.console.pages.orders import order_href
from comptoir.surfaces.console.web import Answer, Area, Done, Visit
from comptoir.surfaces.selling import ChannelClosed, Counter

area = Area("orders")

FIRST = (ChannelKind.PHONE, ChannelKind.EMAIL, ChannelKind.B2B)
"""Channels whose orders are typed in, before the others."""
MAX_LINES = 200
FOUND = 8
ADDRESS = ("name", "company", "line1", "line2", "postcode", "city", "region", "country")


@dataclass(frozen=True, slots=True)
class Offer:
    """A product as it may be sold in a channel now."""

    sku: str
    name: str
    price: int | None
    currency: Currency
    available: int
    quantity: str = "1"
    error: str = ""
    where: Whereabouts | None = None
    """Seen from the store where the customer stands."""


def _typed_channels(channels: Sequence[Channel], *, tills: bool = False) -> list[Channel]:
    """Those whose orders are typed in before the others; `tills` has those of tills too, and first."""
    selling = [one for one in channels if one.active and (tills or one.kind is not ChannelKind.POS)]
    return sorted(selling, key=lambda one: (one.kind is not ChannelKind.POS, one.kind not in FIRST, one.name.casefold()))


async def _offers(
    visit: Visit, reader: Reader, code: str, skus: Sequence[str], own: Location | None = None
) -> dict[str, Offer]:
    """Names, prices and availability of these SKUs; those that nobody knows are left out. `own` is where the buyer stands."""
    if not skus or not code:
        return {}
    counter = await visit.console.services.counters.get(code)
    names = await catalogue.sellable(reader, skus)
    known = [sku for sku in dict.fromkeys(skus) if sku in names]
    prices = await pricing.prices(reader, counter.terms.market, known)
    promised = await visit.console.services.availability.promise(counter, known) if known else []
    where = await aisle.whereabouts(reader, counter, own, known) if own is not None else {}
    return {
        sku: Offer(
            sku,
            names[sku].name,
            prices[sku].amount if sku in prices else None,
            counter.terms.currency,
            may,
            where=where.get(sku),
        )
        for sku, (may, _) in zip(known, promised, strict=True)
    }


@area.get("/orders/new", Permission.ORDERS_PLACE)
async def new_order(visit: Visit) -> Answer:
    return await _page(visit, visit.page.query, [], [])


async def _page(
    visit: Visit,
    values: Mapping[str, str],
    skus: Sequence[str],
    quantities: Sequence[str],
    *,
    errors: Mapping[str, str] | None = None,
    refused: str = "",
    short: bool = False,
) -> Answer:
    async with visit.read() as reader:
        own = await _standing(visit, reader, values)
        channels = _typed_channels(await visit.console.channels(reader), tills=own is not None)
        code = values.get("channel") or (channels[0].code if channels else "")
        if own is not None:
            code = await aisle.channel_of(visit, channels, own, values.get("channel", ""))
        channel = next((one for one in channels if one.code == code), None)
        stores = [one async for one in locations.stream(reader, LocationFilter(active=True, pickup=True))]
        offers = await _offers(visit, reader, channel.code if channel else "", [sku for sku in skus if sku], own)
    bad = errors or {}
    rows = [
        Offer(sku, found.name if found else "", found.price if found else None, found.currency if found else Currency(""),
              found.available if found else 0, quantity, bad.get(f"line-{n}", ""))
        for n, (sku, quantity) in enumerate(zip(skus, quantities, strict=False))
        if sku
        for found in [offers.get(sku)]
    ]  # fmt: skip
    answer = visit.respond(
        "orders/new.html",
        status=422 if refused or bad else 200,
        channels=[(one.code, one.name) for one in channels],
        channel=channel,
        stores=sorted(
            [(to_text(LOCATION_PREFIX, one.id), f"{one.name}, {one.city}" if one.city else one.name) for one in stores],
            key=lambda one: one[1].casefold(),
        ),
        services=await _services(visit, channel),
        rows=rows,
        values=_at_the_counter(values, own) if own is not None else dict(values),
        counter=lists.label(own) if own is not None else "",
        consents=consent_options(visit),
        methods=[(method.value, visit.say(PAID_WORDS[method])) for method in PaidBy],
        errors=bad,
        refused=refused,
        short=short,
    )
    return store_desk.with_camera(answer)


async def _services(visit: Visit, channel: Channel | None) -> list[tuple[str, str]]:
    """How what the channel sells can be sent."""
    if channel is None:
        return []
    try:
        return aisle.services_of(visit, await visit.console.services.counters.get(channel.code))
    except ChannelClosed:
        return []


async def _standing(visit: Visit, reader: Reader, values: Mapping[str, str]) -> Location | None:
    """Where the customer stands, for whom a store orders."""
    return await store_desk.here(visit, reader) if values.get("from") == "store" else None


def _at_the_counter(values: Mapping[str, str], own: Location) -> dict[str, str]:
    """A customer who stands in the store collects it there, unless they want it sent."""
    here = to_text(LOCATION_PREFIX, own.id) if own.pickup else ""
    return {"pickup": here} | dict(values)


@area.get("/orders/new/products", Permission.ORDERS_PLACE)
async def find_products(visit: Visit) -> Answer:
    """What fits the words, with what the channel may promise of it now."""
    q, code = visit.param("find").strip(), visit.param("channel")
    offers: dict[str, Offer] = {}
    if q:
        async with visit.read() as reader:
            found = await catalogue.find(reader, VariantFilter(search=q, active=True), limit=FOUND)
            own = await _standing(visit, reader, visit.page.query)
            offers = await _offers(visit, reader, code, [one.sku for one in found.items], own)
    return visit.fragment("orders/_found.html", offers=list(offers.values()), q=q, channel=code, at_store=visit.param("from"))


@area.get("/orders/new/line", Permission.ORDERS_PLACE)
async def new_line(visit: Visit) -> Answer:
    """One product as a row of the order, by its SKU or by what a scanner has read."""
    async with visit.read() as reader:
        sku = visit.param("sku") or await lists.sku_of(reader, visit.param("read").strip()[:100]) or ""
        own = await _standing(visit, reader, visit.page.query)
        offers = await _offers(visit, reader, visit.param("channel"), [sku], own)
    offer = offers.get(sku)
    if offer is None:
        raise NotFound(kind="product", id=visit.param("sku"))
    return visit.fragment("orders/_line.html", row=offer)


@area.get("/orders/new/promise", Permission.ORDERS_PLACE)
async def promise(visit: Visit) -> Answer:
    """When a customer of this store, or somebody on the phone, would have what is typed so far."""
    asked = visit.request.query_params
    units = [int(text) if text.isdecimal() and len(text) < 8 else 0 for text in asked.getall("quantity", [])]
    lines = [(sku, count) for sku, count in zip(asked.getall("sku", []), units, strict=False) if sku and count > 0]
    told: list[aisle.Told] = []
    async with visit.read() as reader:
        own = await _standing(visit, reader, visit.page.query)
        known = await catalogue.sellable(reader, [sku for sku, _ in lines]) if lines else {}
    lines = [(sku, count) for sku, count in lines if sku in known][:MAX_LINES]
    typed = visit.param("to_country").strip()
    country = (country_code(typed) or "") if typed else ""
    if lines:
        counter = await visit.console.services.counters.get(visit.param("channel"))
        pickup = visit.optional_id("pickup", LOCATION_PREFIX)
        chosen = None if pickup is None else LocationId(pickup)
        told = await aisle.promised(visit, counter, own, lines, country, visit.param("to_postcode").strip()[:20], chosen)
    return visit.fragment(
        "orders/_promised.html",
        told=told,
        chosen=visit.param("pickup"),
        service=visit.param("service"),
        lacks="product" if not lines else "address" if own is None and not country else "",
    )


@area.post("/orders/new", Permission.ORDERS_PLACE)
async def place_order(visit: Visit) -> Answer:
    fields = visit.fields()
    skus, quantities = fields.all("sku"), fields.all("quantity")
    try:
        counter = await visit.console.services.counters.get(fields.raw("channel"))
        placement = _placement(visit, fields, counter, skus, quantities)
        tender = _tender(fields)
        fields.done()
        placement = await _located(visit, counter, placement)
        outcome = await _captured(visit, counter, placement)
    except FormRefused as refusal:
        words = refusal.errors.get("lines") or visit.say(N_("Something is not right yet."))
        return await _page(visit, fields.values, skus, quantities, errors=refusal.errors, refused=words)
    except Refusal as refusal:
        return await _page(visit, fields.values, skus, quantities, refused=visit.refusal(refusal))
    order = msgspec.json.decode(outcome.body, type=_Told)
    if outcome.status != 201:
        short = order.code == "insufficient_stock"
        return await _page(visit, fields.values, skus, quantities, refused=order.words, short=short)
    order_id = OrderId(from_text(ORDER_PREFIX, order.id))
    if fields.raw("from") == "store":
        aisle.remember(visit, counter.channel.code)
    paid = ""
    if not outcome.replayed:
        async with visit.database.transaction(visit.context) as tx:
            data = {"number": order.number, "channel": counter.channel.code}
            await staff.record(tx, "order.placed", order.id, data, address=visit.address)
        paid = "" if tender is None else await _paid(visit, order_id, order.id, tender)
    waits = visit.says("%(num)s unit waits for stock.", "%(num)s units wait for stock.", order.waiting) if order.waiting else ""
    return visit.finish(
        Done(order_href(order_id), visit.say(N_("The order is placed.")), detail=" ".join(filter(None, (waits, paid))))
    )


def _tender(fields: Fields) -> Tender | None:
    """How it is paid at once, at the counter; None for later."""
    if not fields.raw("method"):
        return None
    method = fields.choice("method", PaidBy)
    return Tender(
        method=method,
        reference=fields.text("reference", required=method is PaidBy.CARD_TERMINAL, most=100),
        code=fields.text("card", required=method is PaidBy.ACCOUNT, most=80),
    )


async def _paid(visit: Visit, order_id: OrderId, subject: str, tender: Tender) -> str:
    """Takes the money. The order stands in any case: what a card refuses is said, and can be paid another way."""
    try:
        async with visit.database.transaction(visit.context) as tx:
            taken = await collecting.take_for_order(tx, order_id, tender, store_desk.place_of(visit))
            left = await orders.standing(tx, order_id)
            await staff.record(tx, "order.payment", subject, {"amount": taken, "method": tender.method}, address=visit.address)
    except Refusal as refusal:
        return visit.say(N_("It is not paid: %(why)s"), why=visit.refusal(refusal))
    amount = formatting.money(taken, left.currency, visit.page.locale)
    if left.owed_by_buyer:
        rest = formatting.money(left.owed_by_buyer, left.currency, visit.page.locale)
        return visit.say(N_("%(taken)s taken. %(left)s is still to be paid: take it another way."), taken=amount, left=rest)
    return visit.say(N_("%(amount)s taken."), amount=amount)


class _Told(msgspec.Struct):
    """What the desk stores as the answer to a form."""

    id: str = ""
    number: int = 0
    waiting: int = 0
    code: str = ""
    words: str = ""


def _placement(visit: Visit, fields: Fields, counter: Counter, skus: Sequence[str], quantities: Sequence[str]) -> Placement:
    lines = _lines(fields, skus, quantities)
    pickup = fields.optional_id("pickup", LOCATION_PREFIX)
    buyer = Buyer(
        name=fields.text("buyer_name"),
        email=fields.text("buyer_email", most=254),
        phone=fields.text("buyer_phone", most=40),
        purchase_order=fields.text("purchase_order", most=100),
        notify=tuple([medium.value for medium in ON_PHONES if fields.checked(f"notify_{medium.value}")]),
    )
    if buyer.notify and not buyer.phone:
        fields.refuse("buyer_phone", N_("Type the number that messages go to."))
    if buyer.email and "@" not in buyer.email:
        fields.refuse("buyer_email", N_("This is no e-mail address."))
    shipping = fields.money("shipping", counter.terms.currency, least=0) if fields.raw("shipping") else 0
    fill = fields.choice("fill", Fill, Fill.ALL)
    consent = consent_of(fields)
    service = fields.choice("service", Service, Service.STANDARD)
    name = fields.raw("shipping_name") or visit.say(N_("Shipping"))
    return Placement(
        terms=counter.terms,
        candidates=_candidates(counter, pickup),
        lines=tuple(lines),
        fill=fill,
        charges=(Charge(LineKind.SHIPPING, name[:100], shipping),) if shipping else (),
        buyer=buyer if buyer != Buyer() else None,
        ship_to=None if pickup is not None else _address(fields, buyer.name),
        service=service if service in aisle.SERVICES else Service.STANDARD,
        promised_on=aisle.told_day(fields.raw("pickup"), service, fields.values),
        pickup_location_id=LocationId(pickup) if pickup is not None else None,
        note=fields.text("note", most=2000, lines=True),
        consents=((0, consent.value),) if consent is not Consent.NONE else (),
        context=Context(visit.principal.actor, visit.page.request_id, counter.channel.code),
    )


async def _located(visit: Visit, counter: Counter, placement: Placement) -> Placement:
    """From the nearest, where it is known where the buyer is."""
    if placement.ship_to is None:
        return placement
    found = await visit.console.services.counters.located(placement.ship_to)
    if found.latitude is None or found.longitude is None:
        return placement
    return msgspec.structs.replace(placement, ship_to=found, candidates=counter.candidates((found.latitude, found.longitude)))


def _candidates(counter: Counter, pickup: UUID | None, *, whole_pool: bool = False) -> Candidates:
    """Who may promise it: the counter where it is collected before all others, if it is of the channel's pool."""
    found = counter.candidates(None, whole_pool=whole_pool)
    if pickup is None or pickup not in counter.ids:
        return found
    return Candidates(tuple(dict.fromkeys((LocationId(pickup), *found.locations))), found.complete)


def _lines(fields: Fields, skus: Sequence[str], quantities: Sequence[str]) -> list[PlacementLine]:
    """The rows that have a SKU and more than nothing of it."""
    lines: list[PlacementLine] = []
    for n, (sku, quantity) in enumerate(zip(skus[:MAX_LINES], quantities, strict=False)):
        row = Fields({f"line-{n}": [quantity]}, fields.locale)
        units = row.whole(f"line-{n}", least=0, most=MAX_QUANTITY, default=0)
        fields.errors.update(row.errors)
        if sku and units:
            lines.append(PlacementLine(sku, units))
    if not lines and not fields.errors:
        fields.refuse("lines", N_("Add at least one product."))
    return lines


def _address(fields: Fields, buyer: str) -> Address:
    """Where it is sent; the country by its name or code."""
    typed = {name: fields.text(f"to_{name}") for name in ADDRESS}
    for name in ("line1", "city", "country"):
        if not typed[name]:
            fields.refuse(f"to_{name}", N_("Fill this in, or choose a store where it is collected."))
    code = country_code(typed["country"]) if typed["country"] else ""
    if typed["country"] and not code:
        fields.refuse("to_country", N_("This is no country that we know."))
    return Address(
        name=typed["name"] or buyer,
        company=typed["company"],
        line1=typed["line1"],
        line2=typed["line2"],
        postcode=typed["postcode"],
        city=typed["city"],
        region=typed["region"],
        country=code,
    )


async def _captured(visit: Visit, counter: Counter, placement: Placement) -> Outcome:
    """The desk's answer to this form, the same however often it is sent."""
    form = repr(sorted((name, *values) for name, values in visit.form.items()))
    digest = idempotency.fingerprint("POST", "/orders/new", form.encode())

    def answer(result: Placed | Held | Refusal) -> Outcome:
        if isinstance(result, Refusal):
            return Outcome(422, msgspec.json.encode(_Told(code=result.code, words=visit.refusal(result))))
        assert isinstance(result, Placed), "a placement is placed"
        waiting = sum(line.backordered for line in result.lines)
        return Outcome(201, msgspec.json.encode(_Told(to_text(ORDER_PREFIX, result.id), result.number, waiting)))

    def whole_pool() -> Candidates:
        return _candidates(counter, placement.pickup_location_id, whole_pool=True)

    key = Key(f"console:{visit.principal.actor}", f"{visit.form_key}:{digest.hex()}", digest)
    return await visit.console.services.desk.submit(Call(placement, whole_pool, answer, key))
