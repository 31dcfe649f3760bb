"""Click & collect: what waits on the counter, and handing it to whoever comes for it; what comes in, what is to be counted."""

from __future__ import annotations

from dataclasses import dataclass

from comptoir.i18n import N_
from comptoir.kernel.errors import Refusal
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import Fulfilment, FulfilmentFilter, FulfilmentId, LineUnits, Stage, State
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import TransferFilter
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Tx
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import lists, store_desk
from comptoir.surfaces.console.pages.store import ON_THE_ROAD
from comptoir.surfaces.console.pages.store_desk import Task
from comptoir.surfaces.console.pages.transfers import transfer_href
from comptoir.surfaces.console.pages.work_words import REJECT_WORDS
from comptoir.surfaces.console.web import PAGE_SIZE, Answer, Area, Done, Visit

area = Area("store")

FORGOTTEN_AFTER = 7
"""Days on the counter after which somebody should ask the buyer."""


@dataclass(frozen=True, slots=True)
class Waiting:
    task: Task
    code: str
    days: int
    """Since it has been ready."""

    @property
    def forgotten(self) -> bool:
        return self.days >= FORGOTTEN_AFTER


@area.get("/store/ready", Permission.ORDERS_READ)
async def ready_list(visit: Visit) -> Answer:
    q = visit.param("q").strip()[:100]
    async with visit.read() as reader:
        place = await store_desk.here(visit, reader)
        if place is None:
            return store_desk.choose_first(visit)
        wanted = FulfilmentFilter(locations=(place.id,), stages=(Stage.READY,), search=q)
        page = await fulfilment.find(reader, wanted, limit=PAGE_SIZE, cursor=visit.cursor)
        tasks = await store_desk.tasks(visit, reader, page.items)
    rows = [Waiting(task, store_desk.pickup_code(visit.console.keyring, task.one), _days(visit, task.one)) for task in tasks]
    answer = visit.respond("store/ready.html", place=lists.label(place), rows=rows, q=q, before=page.previous, after=page.next)
    return store_desk.with_camera(answer)


def _days(visit: Visit, one: Fulfilment) -> int:
    return (visit.page.now - one.ready_at).days if one.ready_at else 0


@area.get("/store/collect/{fulfilment_id:str}", Permission.ORDERS_READ)
async def collect_page(visit: Visit) -> Answer:
    return await _show(visit, store_desk.id_of(visit))


async def _show(visit: Visit, fulfilment_id: FulfilmentId, refusal: Refusal | None = None) -> Answer:
    async with visit.read() as reader:
        one = await fulfilment.get(reader, fulfilment_id)
        people = await store_desk.workers(visit, reader, [])
        elsewhere = await store_desk.elsewhere(visit, reader, one)
        names = await lists.goods(reader, [line.sku for line in one.lines])
    fields = visit.fields() if visit.given is not None else None
    shown = fields.raw("code") if fields else visit.param("code")
    code = store_desk.pickup_code(visit.console.keyring, one)
    return visit.respond(
        "store/collect.html",
        status=refusal.status if refusal else 200,
        one=one,
        task=store_desk.task(visit, one, people),
        stamp=store_desk.stamp(visit, one),
        elsewhere=elsewhere,
        days=_days(visit, one),
        names=names,
        lines=[line for line in one.lines if line.picked > line.gone],
        code=code,
        shown=shown,
        fits=shown.strip().upper() == code,
        ready=one.stage is Stage.READY,
        refused=visit.refusal(refusal) if refusal else "",
        errors=fields.errors if fields else {},
        typed=fields.values if fields and refusal else {},
        action=f"/store/collect/{store_desk.text_of(one.id)}",
        papers=f"/store/papers/{store_desk.text_of(one.id)}",
        may_act=visit.may(Permission.FULFIL),
    )


@area.post("/store/collect/{fulfilment_id:str}", Permission.FULFIL)
async def collect(visit: Visit) -> Answer:
    fulfilment_id, fields = store_desk.id_of(visit), visit.fields()

    async def work(tx: Tx) -> Done:
        lines = _named(fields)
        collector = fields.text("collector", most=200)
        fields.done()
        after = await fulfilment.collect(tx, fulfilment_id, lines)
        data = {"number": after.number, "units": sum(line.quantity for line in lines), "collector": collector}
        await visit.record(tx, "fulfilment.collected", store_desk.text_of(fulfilment_id), data)
        if after.state is State.CLOSED:
            return Done("/store/ready", visit.say(N_("Handed out. Nothing of it is left here.")))
        return Done(f"/store/collect/{store_desk.text_of(fulfilment_id)}", visit.say(N_("Handed out. The rest stays here.")))

    try:
        return await visit.act(work)
    except Refusal as refusal:
        return await _show(visit, fulfilment_id, refusal)


def _named(fields: Fields) -> list[LineUnits]:
    named = {no: fields.whole(f"units:{no}", default=0) for no in fields.starting("units:") if no.isdecimal()}
    if not any(named.values()) and not fields.errors:
        fields.refuse("units", N_("Say what they take along."))
    return [LineUnits(int(no), units) for no, units in named.items() if units]


# What comes in, and what is to be counted


@area.get("/store/receive", Permission.ORDERS_READ)
async def receive_list(visit: Visit) -> Answer:
    async with visit.read() as reader:
        place = await store_desk.here(visit, reader)
        if place is None:
            return store_desk.choose_first(visit)
        wanted = TransferFilter(states=ON_THE_ROAD, to_location_id=place.id)
        page = await inventory.find_transfers(reader, wanted, sort="number", limit=PAGE_SIZE, cursor=visit.cursor)
        places = await lists.sites(reader)
    return visit.respond(
        "store/receive.html",
        place=lists.label(place),
        rows=page.items,
        places=places,
        href=transfer_href,
        before=page.previous,
        after=page.next,
        supplies=f"/supplies?location={lists.Sites.text(place.id)}",
    )


@area.get("/store/counts", Permission.ORDERS_READ)
async def count_list(visit: Visit) -> Answer:
    async with visit.read() as reader:
        place = await store_desk.here(visit, reader)
        if place is None:
            return store_desk.choose_first(visit)
        found = await fulfilment.count_tasks(reader, place.id, limit=100)
        names = await lists.goods(reader, [one.sku for one in found])
        bins = await fulfilment.bins(reader, place.id, [one.sku for one in found])
    known = {reason.value: word for reason, word in REJECT_WORDS.items()}
    return visit.respond(
        "store/counts.html",
        place=lists.label(place),
        rows=found,
        names=names,
        bins=bins,
        reasons={code: visit.say(word) for code, word in known.items()},
        new=f"/counts/new?location={lists.Sites.text(place.id)}",
    )
