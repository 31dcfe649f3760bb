"""What comes in, what is to be counted, what is to be put back, and the lockers."""

from __future__ import annotations

from dataclasses import dataclass

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound, Refusal
from comptoir.kernel.ids import from_text, to_text
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import RETURN_CASE_PREFIX, ReturnFilter, ReturnState
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import (
    LOCKER_PREFIX,
    PUT_BACK_PREFIX,
    Locker,
    LockerDraft,
    LockerId,
    LockerSize,
    LockerState,
    LockerStep,
    PutBackId,
    Stage,
)
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import TransferFilter
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Tx
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import lists, store_desk, transfer_words
from comptoir.surfaces.console.pages.collect_words import BACK_WORDS, LOCKER_TONES, LOCKER_WORDS, SIZE_WORDS
from comptoir.surfaces.console.pages.store_collect import fields_errors
from comptoir.surfaces.console.pages.store_next import ON_THE_ROAD
from comptoir.surfaces.console.pages.work_words import REJECT_WORDS
from comptoir.surfaces.console.web import PAGE_SIZE, Answer, Area, Done, Visit
from comptoir.surfaces.lockers import LockerDesk

area = Area("store")

_RETURNING = 50


@area.get("/store/receive", Permission.ORDERS_READ)
async def receive_list(visit: Visit) -> Answer:
    q = visit.param("q").strip()[:100]
    async with visit.read() as reader:
        place = await store_desk.here(visit, reader)
        if place is None:
            return store_desk.choose_first(visit)
        wanted = TransferFilter(states=ON_THE_ROAD, to_location_id=place.id)
        page = await inventory.find_transfers(reader, wanted, sort="number", limit=PAGE_SIZE, cursor=visit.cursor)
        transfers = await transfer_words.tasks(visit, reader, page.items, await lists.sites(reader), arriving=True)
        coming = await fulfilment.at_counter(reader, place.id, Stage.TO_RECEIVE, search=q)
        tasks = await store_desk.tasks(visit, reader, coming)
        backwards = ReturnFilter(states=(ReturnState.IN_TRANSIT,), location=place.id, search=q)
        returning = (await changes.find_returns(reader, backwards, limit=_RETURNING)).items
    if q and len(tasks) == 1:
        return visit.redirect(tasks[0].href)
    answer = visit.respond(
        "store/receive.html",
        place=lists.label(place),
        q=q,
        tasks=tasks,
        rows=transfers,
        returning=[(f"/returns/receive?return={to_text(RETURN_CASE_PREFIX, one.id)}", one) for one in returning],
        before=page.previous,
        after=page.next,
        supplies=f"/supplies?location={lists.Sites.text(place.id)}",
    )
    return store_desk.with_camera(answer)


@area.get("/store/counts", Permission.ORDERS_READ)
async def count_list(visit: Visit) -> Answer:
    async with visit.read() as reader:
        place = await store_desk.here(visit, reader)
        if place is None:
            return store_desk.choose_first(visit)
        found = await fulfilment.count_tasks(reader, place.id, limit=100)
        names = await lists.goods(reader, [one.sku for one in found])
        bins = await fulfilment.bins(reader, place.id, [one.sku for one in found])
    known = {**{reason.value: word for reason, word in REJECT_WORDS.items()}, **transfer_words.DOUBTS}
    return visit.respond(
        "store/counts.html",
        place=lists.label(place),
        rows=found,
        names=names,
        bins=bins,
        reasons={code: visit.say(word) for code, word in known.items()},
        new=f"/counts/new?location={lists.Sites.text(place.id)}",
    )


# Back to where it belongs


@area.get("/store/put-back", Permission.ORDERS_READ)
async def put_back_list(visit: Visit) -> Answer:
    return await _put_back(visit)


async def _put_back(visit: Visit, refused: str = "") -> Answer:
    async with visit.read() as reader:
        place = await store_desk.here(visit, reader)
        if place is None:
            return store_desk.choose_first(visit)
        found = await fulfilment.put_backs(reader, place.id)
        names = await lists.goods(reader, [one.sku for one in found])
        bins = await fulfilment.bins(reader, place.id, [one.sku for one in found])
    return visit.respond(
        "store/put_back.html",
        status=409 if refused else 200,
        place=lists.label(place),
        rows=[(to_text(PUT_BACK_PREFIX, one.id), one, visit.say(BACK_WORDS[one.reason])) for one in found],
        names=names,
        bins=bins,
        refused=refused,
        chosen=set(visit.fields().all("chosen")) if visit.given is not None else set[str](),
        may_act=visit.may(Permission.FULFIL),
    )


@area.post("/store/put-back", Permission.FULFIL)
async def put_back(visit: Visit) -> Answer:
    fields = visit.fields()
    chosen: list[PutBackId] = []
    for text in fields.all("chosen"):
        try:
            chosen.append(PutBackId(from_text(PUT_BACK_PREFIX, text)))
        except ValueError:
            fields.refuse("chosen", N_("Choose one."))
    if not chosen:
        return await _put_back(visit, visit.say(N_("Tick what you have put back.")))

    async def work(tx: Tx) -> Done:
        done = await fulfilment.done_put_backs(tx, chosen)
        await visit.record(tx, "fulfilment.put_on_shelf", "", {"rows": done})
        return Done("/store/put-back", visit.says("%(num)s row is put back.", "%(num)s rows are put back.", done))

    try:
        return await visit.act(work)
    except Refusal as refusal:
        return await _put_back(visit, visit.refusal(refusal))


# Lockers


@dataclass(frozen=True, slots=True)
class LockerRow:
    """A locker, in words."""

    locker: Locker
    id: str
    size: str
    word: str
    tone: str
    icon: str
    href: str
    """Of what lies in it."""


@area.get("/store/lockers", Permission.ORDERS_READ)
async def locker_list(visit: Visit) -> Answer:
    return await _lockers(visit)


async def _lockers(visit: Visit, refusal: Refusal | None = None) -> Answer:
    async with visit.read() as reader:
        place = await store_desk.here(visit, reader)
        if place is None:
            return store_desk.choose_first(visit)
        found = await fulfilment.lockers_at(reader, place.id)
    rows = [_locker_row(visit, one) for one in found]
    banks: dict[str, list[LockerRow]] = {}
    for row in rows:
        banks.setdefault(row.locker.bank, []).append(row)
    return visit.respond(
        "store/lockers.html",
        status=refusal.status if refusal else 200,
        place=lists.label(place),
        banks=list(banks.items()),
        empty=[row for row in rows if row.locker.state is LockerState.TO_EMPTY],
        taken=[(row.id, row.locker.code) for row in rows if row.locker.state is LockerState.TAKEN],
        sizes=[(size.value, visit.say(word)) for size, word in SIZE_WORDS.items()],
        refused=visit.refusal(refusal) if refusal else "",
        errors=fields_errors(refusal),
        typed=visit.fields().values if visit.given is not None else {},
        may_act=visit.may(Permission.FULFIL),
        may_set=visit.may(Permission.LOCATIONS_WRITE),
    )


def _locker_row(visit: Visit, one: Locker) -> LockerRow:
    tone, icon = LOCKER_TONES[one.state]
    return LockerRow(
        one,
        to_text(LOCKER_PREFIX, one.id),
        visit.say(SIZE_WORDS[one.size]),
        visit.say(LOCKER_WORDS[one.state]),
        tone,
        icon,
        "" if one.fulfilment_id is None else f"/store/collect/{store_desk.text_of(one.fulfilment_id)}",
    )


@area.post("/store/lockers", Permission.LOCATIONS_WRITE)
async def add_lockers(visit: Visit) -> Answer:
    """One, or a row of them: `A1-A12`."""
    fields = visit.fields()
    async with visit.read() as reader:
        place = await store_desk.here(visit, reader)
    if place is None:
        return store_desk.choose_first(visit)

    async def work(tx: Tx) -> Done:
        codes = _codes(fields)
        size = fields.choice("size", LockerSize, LockerSize.M)
        bank = fields.text("bank", most=60)
        fields.done()
        for code in codes:
            await fulfilment.create_locker(tx, LockerDraft(location_id=place.id, code=code, size=size, bank=bank))
        data = {"codes": codes, "size": size, "bank": bank}
        await visit.record(tx, "locker.created", to_text("loc", place.id), data)
        return Done("/store/lockers", visit.says("%(num)s locker is there.", "%(num)s lockers are there.", len(codes)))

    try:
        return await visit.act(work)
    except Refusal as refusal:
        return await _lockers(visit, refusal)


_MOST_AT_ONCE = 100


def _codes(fields: Fields) -> list[str]:
    """`A1` is one, `A1-A12` are twelve."""
    text = fields.text("codes", required=True, most=60)
    first, dash, last = (part.strip() for part in text.partition("-"))
    if not dash:
        return [first]
    stem = first.rstrip("0123456789")
    begin, end = first.removeprefix(stem), last.removeprefix(stem)
    if not begin.isdecimal() or not end.isdecimal() or not 0 <= int(end) - int(begin) < _MOST_AT_ONCE:
        fields.refuse("codes", N_("Type one code, such as A1, or a row of at most 100, such as A1-A12."))
        return []
    return [f"{stem}{number}" for number in range(int(begin), int(end) + 1)]


STEPS = {"empty": LockerStep.EMPTY, "break": LockerStep.BREAK, "mend": LockerStep.MEND}
_SAID = {
    LockerStep.EMPTY: N_("The locker is free."),
    LockerStep.BREAK: N_("The locker is out of order."),
    LockerStep.MEND: N_("The locker is free."),
}


@area.post("/store/lockers/{locker_id:str}/{step:str}", Permission.FULFIL)
async def step_locker(visit: Visit) -> Answer:
    locker_id, name = LockerId(visit.path_id("locker_id", LOCKER_PREFIX)), visit.path("step")
    if name not in STEPS:
        raise NotFound(kind="page", id=name[:40])
    desk = LockerDesk(visit.database, visit.console.keyring)
    try:
        await desk.step(visit.context, locker_id, STEPS[name])
    except Refusal as refusal:
        return await _lockers(visit, refusal)
    async with visit.database.transaction(visit.context) as tx:
        await visit.record(tx, f"locker.{name}", to_text(LOCKER_PREFIX, locker_id), {})
    return visit.finish(Done("/store/lockers", visit.say(_SAID[STEPS[name]])))


@area.post("/store/lockers/open", Permission.FULFIL)
async def open_locker(visit: Visit) -> Answer:
    """A code was typed at one of them."""
    fields = visit.fields()
    locker_id = LockerId(fields.id("locker", LOCKER_PREFIX))
    typed = fields.text("typed", required=True, most=20)
    try:
        fields.done()
        await LockerDesk(visit.database, visit.console.keyring).open(visit.context, locker_id, typed)
    except Refusal as refusal:
        return await _lockers(visit, refusal)
    async with visit.database.transaction(visit.context) as tx:
        await visit.record(tx, "locker.open", to_text(LOCKER_PREFIX, locker_id), {})
    words = visit.say(N_("The code is right: it is handed out, and the locker is free."))
    return visit.finish(Done("/store/lockers", words))


@area.post("/store/stow/{fulfilment_id:str}", Permission.FULFIL)
async def stow(visit: Visit) -> Answer:
    """Into a locker, or out of it again."""
    fulfilment_id, fields = store_desk.id_of(visit), visit.fields()
    subject = store_desk.text_of(fulfilment_id)
    desk = LockerDesk(visit.database, visit.console.keyring)
    try:
        if fields.checked("out"):
            await desk.take_out(visit.context, fulfilment_id)
            words, detail = visit.say(N_("It lies on the counter again.")), ""
        else:
            size = fields.choice("size", LockerSize, LockerSize.S)
            fields.done()
            locker, code, _ = await desk.put_in(visit.context, fulfilment_id, size=size)
            words = visit.say(N_("Put it into locker %(locker)s."), locker=locker.code)
            detail = visit.say(N_("Set this code: %(code)s. The buyer is told it."), code=code)
    except Refusal as refusal:
        return visit.finish(Done(f"/store/collect/{subject}", visit.refusal(refusal), tone="bad"))
    async with visit.database.transaction(visit.context) as tx:
        await visit.record(tx, "fulfilment.taken_out" if fields.checked("out") else "fulfilment.stowed", subject, {})
    return visit.finish(Done(f"/store/collect/{subject}", words, detail=detail))
