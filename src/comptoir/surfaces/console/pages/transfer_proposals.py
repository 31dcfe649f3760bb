"""Transfers that are proposed: what runs out where, why, and one button that makes the transfers."""

from __future__ import annotations

from dataclasses import dataclass

from comptoir.i18n import N_
from comptoir.kernel.errors import Refusal
from comptoir.kernel.ids import from_text, to_text
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Proposal, ProposalFilter, ProposalId, ProposedRun, ReplenishmentTerms
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LOCATION_PREFIX, POOL_PREFIX, LocationId, PoolId
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader, Tx
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import asking, lists
from comptoir.surfaces.console.pages.asking import Question, Typed
from comptoir.surfaces.console.pages.lists import Goods
from comptoir.surfaces.console.pages.stock import sku_href, tabs
from comptoir.surfaces.console.pages.stock_acts import shown, units
from comptoir.surfaces.console.pages.stock_words import TRANSFER_PREFIX
from comptoir.surfaces.console.pages.transfers import transfer_href, typed_quantity
from comptoir.surfaces.console.web import Answer, Area, Done, Visit

area = Area("stock")

PREFIX = "prp"
_LIST = "/transfers/proposals"
_MOST = 200
"""Lines on one page of a way; what runs out first comes first, and the others follow when these are decided on."""


@dataclass(frozen=True, slots=True)
class Row:
    one: Proposal
    key: str
    name: str
    weighed: bool
    typed: str
    why: str


@area.get(_LIST, Permission.STOCK_READ)
async def proposal_list(visit: Visit) -> Answer:
    async with visit.read() as reader:
        runs = await inventory.proposed(reader, visit.places())
        terms = await inventory.replenishment(reader)
        places = await lists.sites(reader)
    return visit.respond(
        "transfers/proposals.html",
        "transfers/_proposals.html",
        rows=runs,
        places=places,
        sites=places.own(visit),
        has_terms=bool(terms),
        chips=lists.chips(visit, [(N_("Location"), "location", dict(places.options))]),
        href=_way_href,
        latest=max((run.created_at for run in runs), default=None),
        tabs=tabs(visit, "transfers"),
    )


def _way_href(run: ProposedRun) -> str:
    return f"{_LIST}/{to_text(LOCATION_PREFIX, run.from_location_id)}/{to_text(LOCATION_PREFIX, run.to_location_id)}"


@area.post(f"{_LIST}/run", Permission.STOCK_TRANSFER)
async def run(visit: Visit) -> Answer:
    """Thinks again, now."""

    async def work(tx: Tx) -> Done:
        count = await inventory.propose(tx)
        await visit.record(tx, "transfer.proposed", "", {"proposals": count})
        words = visit.says("%(num)s line is proposed.", "%(num)s lines are proposed.", count)
        return Done(_LIST, words, tone="good" if count else "warn")

    return await visit.act(work)


# One way: from here to there


@area.get(_LIST + "/{from_id:str}/{to_id:str}", Permission.STOCK_READ)
async def way_page(visit: Visit) -> Answer:
    return await _way(visit, asking.NOTHING_TYPED)


def _ends(visit: Visit) -> tuple[LocationId, LocationId]:
    return (
        LocationId(visit.path_id("from_id", LOCATION_PREFIX)),
        LocationId(visit.path_id("to_id", LOCATION_PREFIX)),
    )


async def _way(visit: Visit, typed: Typed) -> Answer:
    origin, target = _ends(visit)
    async with visit.read() as reader:
        found = await _proposed(reader, origin, target)
        places = await lists.sites(reader)
        names = await lists.goods(reader, [one.sku for one in found])
    rows = [_row(visit, one, names, typed) for one in found]
    return visit.respond(
        "transfers/way.html",
        status=422 if typed.refused else 200,
        rows=rows,
        origin=places[origin],
        target=places[target],
        action=f"{_LIST}/{places.text(origin)}/{places.text(target)}",
        ticked=frozenset(visit.form.get("chosen", ())) if typed.refused else None,
        errors=typed.errors,
        refused=typed.refused,
        sku_href=sku_href,
        full=len(found) == _MOST,
    )


async def _proposed(reader: Reader, origin: LocationId, target: LocationId) -> list[Proposal]:
    wanted = ProposalFilter(from_location_id=origin, to_location_id=target)
    return (await inventory.find_proposals(reader, wanted, sort="lasts", limit=_MOST)).items


def _row(visit: Visit, one: Proposal, names: Goods, typed: Typed) -> Row:
    key, weighed = to_text(PREFIX, one.id), names.is_weighed(one.sku)
    proposed = typed.values.get(f"units:{key}", typed_quantity(one.quantity, weighed=weighed))
    return Row(one, key, names[one.sku], weighed, proposed, _why(visit, one, weighed=weighed))


def _why(visit: Visit, one: Proposal, *, weighed: bool) -> str:
    """Such as `Sold 14 in 4 weeks, 2 left = 4 days`."""
    left, sold = shown(visit, one.free, weighed=weighed), shown(visit, one.sold, weighed=weighed)
    weeks = visit.says("%(num)s week", "%(num)s weeks", one.days // 7)
    if one.lasts is None:
        text = visit.say(N_("%(left)s left, less than the safety stock"), left=left)
    else:
        days = visit.says("%(num)s day", "%(num)s days", one.lasts)
        text = visit.say(
            N_("Sold %(sold)s in %(weeks)s, %(left)s left = %(days)s"), sold=sold, weeks=weeks, left=left, days=days
        )
    if one.incoming:
        text += " · " + visit.say(N_("%(units)s on the way"), units=shown(visit, one.incoming, weighed=weighed))
    if one.wanted > one.quantity:
        text += " · " + visit.say(N_("%(units)s wanted in all"), units=shown(visit, one.wanted, weighed=weighed))
    return text


@area.post(_LIST + "/{from_id:str}/{to_id:str}", Permission.STOCK_TRANSFER)
async def decide(visit: Visit) -> Answer:
    """Makes the transfer of what is ticked, or says that it is not wanted."""
    origin, target = _ends(visit)
    fields = visit.fields()
    async with visit.read() as reader:
        known = {to_text(PREFIX, one.id): one for one in await _proposed(reader, origin, target)}
        names = await lists.goods(reader, [one.sku for one in known.values()])
    keys = [key for key in fields.all("chosen") if key]
    if not keys:
        fields.refuse("chosen", N_("Tick what you mean."))
    act = fields.one_of("act", ("accept", "dismiss"), "accept")
    chosen = {_id(key): _units(fields, key, known, names) for key in keys} if act == "accept" else {}

    async def work(tx: Tx) -> Done:
        if act == "dismiss":
            count = await inventory.dismiss_proposals(tx, [_id(key) for key in keys])
            await visit.record(tx, "transfer.dismissed", to_text(LOCATION_PREFIX, target), {"lines": count})
            words = visit.says("%(num)s line is left alone for a while.", "%(num)s lines are left alone for a while.", count)
            return Done(_LIST if count == len(known) else f"{_LIST}/{visit.path('from_id')}/{visit.path('to_id')}", words)
        (made,) = await inventory.accept_proposals(tx, chosen)
        await visit.record(tx, "transfer.created", to_text(TRANSFER_PREFIX, made.id), {"lines": len(made.lines)})
        return Done(transfer_href(made.id), visit.say(N_("The transfer is planned: send it when it is picked.")))

    try:
        fields.done()
        return await visit.act(work)
    except Refusal as refusal:
        return await _way(visit, asking.typed_of(visit, fields, refusal))


def _id(key: str) -> ProposalId:
    try:
        return ProposalId(from_text(PREFIX, key))
    except ValueError:
        return ProposalId(from_text(PREFIX, f"{PREFIX}_{'0' * 26}"))


def _units(fields: Fields, key: str, known: dict[str, Proposal], names: Goods) -> int | None:
    one = known.get(key)
    weighed = one is not None and names.is_weighed(one.sku)
    return units(fields, f"units:{key}", weighed=weighed, least=1)


# Terms


@area.get(f"{_LIST}/terms", Permission.STOCK_READ)
async def terms_list(visit: Visit) -> Answer:
    async with visit.read() as reader:
        terms = await inventory.replenishment(reader)
        places = await lists.sites(reader)
        pools = {one.id: one.name or one.code for one in (await locations.find_pools(reader, limit=200)).items}
    return visit.respond(
        "transfers/terms.html",
        rows=terms,
        of={_key(one): _whose(visit, one, places, pools) for one in terms},
        key_of=_key,
        places=places,
        href=_edit_href,
    )


def _whose(visit: Visit, one: ReplenishmentTerms, places: lists.Sites, pools: dict[PoolId, str]) -> str:
    if one.pool_id is not None:
        return visit.say(N_("Stores of %(pool)s"), pool=pools.get(one.pool_id, ""))
    return places[one.location_id] if one.location_id is not None else ""


def _edit_href(one: ReplenishmentTerms) -> str:
    return f"{_LIST}/terms/edit?of={_key(one)}"


def _key(one: ReplenishmentTerms) -> str:
    """Whose they are."""
    if one.pool_id is not None:
        return to_text(POOL_PREFIX, one.pool_id)
    return to_text(LOCATION_PREFIX, one.location_id or one.source_id)


@area.get(f"{_LIST}/terms/edit", Permission.STOCK_TRANSFER)
async def terms_form(visit: Visit) -> Answer:
    return await _terms(visit, asking.NOTHING_TYPED)


async def _terms(visit: Visit, typed: Typed) -> Answer:
    whose = visit.param("of")
    async with visit.read() as reader:
        there = {_key(one): one for one in await inventory.replenishment(reader)}
        places = await lists.sites(reader)
        pools = (await locations.find_pools(reader, limit=200)).items
    one = there.get(whose, ReplenishmentTerms(source_id=LocationId(places.rows[0].id) if places.rows else LocationId(_NOWHERE)))
    question = Question(
        title=visit.say(N_("How it is filled up")),
        fields="transfers/_terms.html",
        action=f"{_LIST}/terms/edit",
        back=f"{_LIST}/terms",
        confirm=visit.say(N_("Save")),
        crumbs=[(visit.say(N_("Proposed transfers")), _LIST)],
    )
    values = {
        "of": whose,
        "source": places.text(one.source_id) if whose in there else "",
        "weeks": one.weeks,
        "cover_days": one.cover_days,
        "reorder_days": one.reorder_days,
        "overstock_days": one.overstock_days or "",
        "keep_days": one.keep_days,
        "quiet_days": one.quiet_days,
        "active": "yes" if one.active else "",
    }
    options = [
        (to_text(POOL_PREFIX, pool.id), visit.say(N_("Stores of %(pool)s"), pool=pool.name or pool.code)) for pool in pools
    ]
    return asking.ask(visit, question, typed, values, whose=[*options, *places.own_active(visit)], sites=places.active)


_NOWHERE = from_text(LOCATION_PREFIX, f"{LOCATION_PREFIX}_{'0' * 26}")


@area.post(f"{_LIST}/terms/edit", Permission.STOCK_TRANSFER)
async def put_terms(visit: Visit) -> Answer:
    fields = visit.fields()
    whose = fields.text("of", required=True)
    pool = fields.optional_id("of", POOL_PREFIX) if whose.startswith(f"{POOL_PREFIX}_") else None
    location = fields.id("of", LOCATION_PREFIX) if pool is None and whose else None
    terms = ReplenishmentTerms(
        source_id=LocationId(fields.id("source", LOCATION_PREFIX)),
        location_id=None if location is None else LocationId(location),
        pool_id=None if pool is None else PoolId(pool),
        active=fields.checked("active"),
        weeks=fields.whole("weeks", least=1, most=52),
        cover_days=fields.whole("cover_days", least=1, most=365),
        reorder_days=fields.whole("reorder_days", least=1, most=365),
        overstock_days=fields.whole("overstock_days", least=1, most=1000) if fields.raw("overstock_days") else None,
        keep_days=fields.whole("keep_days", most=365, default=0),
        quiet_days=fields.whole("quiet_days", most=365, default=0),
    )

    async def work(tx: Tx) -> Done:
        await inventory.put_replenishment(tx, terms)
        await visit.record(tx, "replenishment.changed", whose, {"cover_days": terms.cover_days, "active": terms.active})
        return Done(f"{_LIST}/terms", visit.say(N_("It counts from the next proposals on.")))

    return await asking.answer(visit, fields, work, lambda typed: _terms(visit, typed))
