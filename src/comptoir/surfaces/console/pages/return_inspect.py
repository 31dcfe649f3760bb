"""Looking at what has come back: how each unit is, what becomes of it, and what the buyer does not get back."""

from __future__ import annotations

from functools import partial

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound, Refusal
from comptoir.kernel.ids import to_text
from comptoir.kernel.money import Currency
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import (
    RECEIVED_PREFIX,
    RETURN_CASE_PREFIX,
    Fate,
    ItemCondition,
    Look,
    ReceivedUnits,
    ReturnCase,
    ReturnCaseId,
    ReturnFilter,
)
from comptoir.modules.locations.contracts import LOCATION_PREFIX, LocationId
from comptoir.modules.lots import api as lots
from comptoir.modules.orders import api as orders
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Tx
from comptoir.surfaces import returned_lots
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import lists, return_finding, store_desk
from comptoir.surfaces.console.pages.amounts import house_currency
from comptoir.surfaces.console.pages.lot_fields import lot_refused, read_of
from comptoir.surfaces.console.pages.return_words import (
    CONDITION_WORDS,
    FATE_WORDS,
    REASON_WORDS,
    SIGN_TITLES,
    reasons,
    return_href,
    signal_words,
    stamp,
)
from comptoir.surfaces.console.web import PAGE_SIZE, Answer, Area, Done, Visit
from comptoir.surfaces.returned_lots import Read

area = Area("returns")

HERE = "/returns/inspect"


def case_id_of(visit: Visit) -> ReturnCaseId:
    return ReturnCaseId(visit.path_id("return_id", RETURN_CASE_PREFIX))


@area.get(HERE, Permission.ORDERS_ACT)
async def to_inspect(visit: Visit) -> Answer:
    q = visit.param("q").strip()[:200]
    async with visit.read() as reader:
        place = await store_desk.here(visit, reader)
        if place is None:
            return store_desk.choose_first(visit)
        if q:
            found = [one for one in (await return_finding.find(visit, reader, q)).cases if one.to_inspect]
            if len(found) == 1:
                return visit.redirect(f"{return_href(found[0].id)}/inspect")
        wanted = ReturnFilter(inspecting=place.id)
        page = await changes.find_returns(reader, wanted, sort="requested", limit=PAGE_SIZE, cursor=visit.cursor)
        rows = await changes.with_units(reader, page.items)
        sku = await lists.sku_of(reader, q) if q else None
    if q:
        rows = [row for row in rows if any(one.sku == sku and one.fate is None for one in row.received)]
        if len(rows) == 1:
            return visit.redirect(f"{return_href(rows[0].id)}/inspect")
    answer = visit.respond(
        "returns/to_inspect.html",
        place=lists.label(place),
        q=q,
        rows=rows,
        units=sum(row.to_inspect for row in rows),
        before=page.previous,
        after=page.next,
        href=return_href,
        code=changes.return_code,
        stamp=partial(stamp, visit),
        reasons=partial(reasons, visit),
    )
    return store_desk.with_camera(answer)


@area.get("/returns/{return_id:str}/inspect", Permission.ORDERS_ACT)
async def inspect_page(visit: Visit) -> Answer:
    return await _show(visit, case_id_of(visit), Fields({}, visit.page.locale))


async def _show(visit: Visit, case_id: ReturnCaseId, fields: Fields, refused: str = "") -> Answer:
    async with visit.read() as reader:
        case = await changes.get_return(reader, case_id)
        order = await orders.order(reader, case.order_id) if case.order_id is not None else None
        names = await lists.goods(reader, {row.sku for row in case.received})
        known = await lots.known_of(reader, case.order_id, sorted({row.sku for row in case.received}))
        places = await lists.sites(reader)
        currency = order.currency if order is not None else await house_currency(reader)
    async with visit.database.transaction(visit.context, snapshot=True) as tx:
        signals = await changes.signals_of(tx, case)
    looked = sum(row.quantity for row in case.received if row.fate is not None)
    answer = visit.respond(
        "returns/inspect.html",
        status=422 if refused or fields.errors else 200,
        case=case,
        order=order,
        rows=[(text_of(row), row) for row in case.received if row.fate is None],
        looked=looked,
        units=sum(row.quantity for row in case.received),
        names=names,
        lots_known=known,
        currency=currency,
        undecided=changes.undecided(case),
        href=return_href(case.id),
        code=changes.return_code(case.number),
        stamp=stamp(visit, case),
        reason_of={item.line_no: visit.say(REASON_WORDS[item.reason]) for item in case.items},
        signals=[(visit.say(SIGN_TITLES[one.sign]), signal_words(visit, one)) for one in signals],
        condition_options=lists.options_of(visit, CONDITION_WORDS),
        fate_options=lists.options_of(visit, FATE_WORDS),
        places=places,
        values=fields.values,
        errors=fields.errors,
        refused=refused,
    )
    return store_desk.with_camera(answer)


def text_of(row: ReceivedUnits) -> str:
    return to_text(RECEIVED_PREFIX, row.id)


@area.post("/returns/{return_id:str}/inspect", Permission.ORDERS_ACT)
async def inspect(visit: Visit) -> Answer:
    case_id, fields = case_id_of(visit), visit.fields()
    async with visit.read() as reader:
        case = await changes.get_return(reader, case_id)
        order = await orders.order(reader, case.order_id) if case.order_id is not None else None
        currency = order.currency if order is not None else await house_currency(reader)
    looks = _looks(fields, case, currency)

    async def work(tx: Tx) -> Done:
        done = await returned_lots.inspect(tx, case_id, [look for look, _ in looks], [read for _, read in looks])
        data = {"number": changes.return_code(done.number), "units": sum(one.quantity for one, _ in looks)}
        await visit.record(tx, "return.inspected", return_href(case_id).rpartition("/")[2], data)
        left = done.to_inspect
        if left:
            words = visit.says(
                "Written down. %(num)s unit is left to look at.", "Written down. %(num)s units are left to look at.", left
            )
            return Done(f"{return_href(case_id)}/inspect", words)
        ahead = HERE if fields.checked("again") else return_href(case_id)
        return Done(ahead, visit.say(N_("%(code)s is inspected."), code=changes.return_code(done.number)))

    try:
        fields.done()
        return await visit.act(work)
    except NotFound:
        raise
    except Refusal as refusal:
        lot_refused(visit, fields, refusal, {row.sku: f"lot-{text_of(row)}" for row in case.received if row.fate is None})
        words = visit.say(N_("Something is not right yet.")) if fields.errors else visit.refusal(refusal)
        return await _show(visit, case_id, fields, words)


def _looks(fields: Fields, case: ReturnCase, currency: Currency) -> list[tuple[Look, Read]]:
    looks: list[tuple[Look, Read]] = []
    for row in case.received:
        key = text_of(row)
        if row.fate is not None or not fields.raw(f"units-{key}"):
            continue
        units = fields.whole(f"units-{key}", least=0, most=row.quantity, default=0)
        if not units:
            continue
        condition = fields.choice(f"condition-{key}", ItemCondition)
        fate = fields.choice(f"fate-{key}", Fate, changes.FATES[condition])
        to = fields.optional_id(f"to-{key}", LOCATION_PREFIX)
        if fate is Fate.SEND_ON and to is None:
            fields.refuse(f"to-{key}", N_("Say where it goes."))
        deduct = fields.money(f"deduct-{key}", currency, least=0) if fields.raw(f"deduct-{key}") else 0
        look = Look(row.id, units, condition, fate, deduct, None if to is None else LocationId(to))
        looks.append((look, read_of(fields, f"lot-{key}", f"expires-{key}")))
    if not looks and not fields.errors:
        fields.refuse("units", N_("Say how many you have looked at."))
    return looks
