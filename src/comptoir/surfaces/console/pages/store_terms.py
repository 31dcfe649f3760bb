"""How long what is ready waits for its buyer: the terms of locations and stock pools, set by whoever may change locations."""

from __future__ import annotations

from dataclasses import dataclass

from comptoir.i18n import N_
from comptoir.kernel.errors import Refusal
from comptoir.kernel.ids import from_text, to_text
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import TERMS_PREFIX, CollectionTerms, TermsId, TermsRule
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LOCATION_PREFIX, POOL_PREFIX, LocationId, PoolId
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Tx
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import lists
from comptoir.surfaces.console.pages.store_collect import fields_errors
from comptoir.surfaces.console.web import Answer, Area, Done, Visit

area = Area("store")

_MOST = 365
_POOLS = 200


@dataclass(frozen=True, slots=True)
class Row:
    """Terms in words; without an id, those of the house."""

    id: str
    name: str
    words: str


@area.get("/store/terms", Permission.LOCATIONS_WRITE)
async def terms_page(visit: Visit) -> Answer:
    return await _show(visit)


async def _show(visit: Visit, refusal: Refusal | None = None) -> Answer:
    async with visit.read() as reader:
        rules = await fulfilment.all_terms(reader)
        sites = await lists.sites(reader)
        pools = (await locations.find_pools(reader, limit=_POOLS)).items
    everybody = visit.say(N_("All other locations"))
    names = {one.id: one.name or one.code for one in pools}
    rows = [Row(to_text(TERMS_PREFIX, one.id), _name(visit, one, sites, names), _words(visit, one)) for one in rules]
    if all(one.location_id or one.pool_id for one in rules):
        rows.insert(0, Row("", everybody, _words(visit, CollectionTerms())))
    counters = sorted((one for one in sites.rows if one.active and one.pickup), key=lambda one: lists.label(one).casefold())
    return visit.respond(
        "store/terms.html",
        status=refusal.status if refusal else 200,
        rows=rows,
        places=[
            ("all", everybody),
            *[(to_text(POOL_PREFIX, key), visit.say(N_("Stock pool %(name)s"), name=name)) for key, name in names.items()],
            *[(to_text(LOCATION_PREFIX, one.id), lists.label(one)) for one in counters],
        ],
        refused=visit.refusal(refusal) if refusal else "",
        errors=fields_errors(refusal),
        typed=visit.fields().values if visit.given is not None else {},
    )


def _name(visit: Visit, rule: TermsRule, sites: lists.Sites, pools: dict[PoolId, str]) -> str:
    if rule.location_id is not None:
        return sites[rule.location_id]
    if rule.pool_id is not None:
        return visit.say(N_("Stock pool %(name)s"), name=pools.get(rule.pool_id, ""))
    return visit.say(N_("All other locations"))


def _words(visit: Visit, terms: CollectionTerms) -> str:
    parts = [visit.says("%(num)s day", "%(num)s days", terms.days)]
    if terms.reminders:
        days = ", ".join(str(day) for day in terms.reminders)
        parts.append(visit.say(N_("reminders %(days)s days before the end"), days=days))
    if terms.extension:
        parts.append(visit.says("%(num)s day more on request", "%(num)s days more on request", terms.extension))
    if terms.curbside:
        parts.append(visit.say(N_("brought out to cars")))
    return " · ".join(parts)


@area.post("/store/terms", Permission.LOCATIONS_WRITE)
async def put_terms(visit: Visit) -> Answer:
    fields = visit.fields()

    async def work(tx: Tx) -> Done:
        location_id, pool_id = _of(fields)
        terms = CollectionTerms(
            days=fields.whole("days", least=1, most=_MOST),
            extension=fields.whole("extension", most=_MOST),
            reminders=_reminders(fields),
            curbside=fields.checked("curbside"),
        )
        fields.done()
        made = await fulfilment.put_terms(tx, terms, location_id=location_id, pool_id=pool_id)
        data = {"of": fields.raw("of"), "days": terms.days, "reminders": list(terms.reminders), "extension": terms.extension}
        await visit.record(tx, "collection_terms.set", to_text(TERMS_PREFIX, made.id), data)
        return Done("/store/terms", visit.say(N_("Kept. What is ready from now on waits so long.")))

    try:
        return await visit.act(work)
    except Refusal as refusal:
        return await _show(visit, refusal)


def _of(fields: Fields) -> tuple[LocationId | None, PoolId | None]:
    text = fields.raw("of")
    if text == "all":
        return None, None
    try:
        if text.startswith(POOL_PREFIX):
            return None, PoolId(from_text(POOL_PREFIX, text))
        return LocationId(from_text(LOCATION_PREFIX, text)), None
    except ValueError:
        fields.refuse("of", N_("Choose one."))
        return None, None


def _reminders(fields: Fields) -> tuple[int, ...]:
    """`3, 1`."""
    words = fields.raw("reminders").replace(",", " ").split()
    if len(words) > 5 or any(not word.isdecimal() or int(word[:4]) > _MOST for word in words):
        fields.refuse("reminders", N_("Type at most five numbers of days, such as 3, 1."))
        return ()
    return tuple(sorted({int(word) for word in words}, reverse=True))


@area.post("/store/terms/{terms_id:str}/drop", Permission.LOCATIONS_WRITE)
async def drop_terms(visit: Visit) -> Answer:
    terms_id = TermsId(visit.path_id("terms_id", TERMS_PREFIX))

    async def work(tx: Tx) -> Done:
        await fulfilment.drop_terms(tx, terms_id)
        await visit.record(tx, "collection_terms.dropped", to_text(TERMS_PREFIX, terms_id), {})
        return Done("/store/terms", visit.say(N_("Removed.")))

    try:
        return await visit.act(work)
    except Refusal as refusal:
        return await _show(visit, refusal)
