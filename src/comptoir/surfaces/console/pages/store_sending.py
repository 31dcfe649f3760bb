"""Transfers where they leave: what is to be sent, picked by scan by whoever is there, packed, and handed over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound, Refusal
from comptoir.kernel.ids import to_text
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import (
    Packed,
    Taken,
    Transfer,
    TransferFilter,
    TransferId,
    TransferLine,
    TransferStage,
    TransferState,
)
from comptoir.modules.inventory.errors import InsufficientStock
from comptoir.modules.lots import api as lots
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader, Tx
from comptoir.surfaces import transferring
from comptoir.surfaces.console.forms import Fields, FormRefused
from comptoir.surfaces.console.pages import lists, store_desk, transfer_words
from comptoir.surfaces.console.pages.stock_words import TRANSFER_PREFIX
from comptoir.surfaces.console.pages.store_pick import codes_of, is_scan, progress_of, typed_weight
from comptoir.surfaces.console.pages.transfer_words import arriving_href, sending_href
from comptoir.surfaces.console.pages.transfers import id_of, transfer_href
from comptoir.surfaces.console.web import PAGE_SIZE, Answer, Area, Done, Visit
from comptoir.surfaces.transferring import Scan, ScanOutcome

area = Area("store")

LIST = "/store/transfers"


@dataclass(frozen=True, slots=True)
class Row:
    """A line on the way through the bins."""

    line: TransferLine
    name: str
    bin: str
    weighed: bool
    codes: str
    """What a scanner may read on it, between spaces."""

    @property
    def left(self) -> int:
        return self.line.quantity - self.line.picked


@area.get(LIST, Permission.STOCK_READ)
async def sending_list(visit: Visit) -> Answer:
    """The oldest plan first; those that are packed wait for their carrier only."""
    async with visit.read() as reader:
        place = await store_desk.here(visit, reader)
        if place is None:
            return store_desk.choose_first(visit)
        wanted = TransferFilter(states=(TransferState.DRAFT,), from_location_id=place.id)
        page = await inventory.find_transfers(reader, wanted, sort="number", limit=PAGE_SIZE, cursor=visit.cursor)
        tasks = await transfer_words.tasks(visit, reader, page.items, await lists.sites(reader), arriving=False)
    return visit.respond(
        "store/transfers.html",
        place=lists.label(place),
        tasks=tasks,
        before=page.previous,
        after=page.next,
        may_plan=visit.may(Permission.STOCK_TRANSFER),
    )


@area.get("/store/transfers/{transfer_id:str}", Permission.STOCK_READ)
async def sending_page(visit: Visit) -> Answer:
    return await _show(visit, id_of(visit))


async def _show(visit: Visit, transfer_id: TransferId, refusal: Refusal | None = None, said: Done | None = None) -> Answer:
    """The page, or for a script the part of it that a scan has changed."""
    async with visit.read() as reader:
        transfer = await inventory.transfer(reader, transfer_id)
        rows = await _rows(reader, transfer)
        sites = await lists.sites(reader)
    if transfer.state is not TransferState.DRAFT and refusal is None and not is_scan(visit):
        return visit.redirect(_onward(visit, transfer))
    short = isinstance(refusal, InsufficientStock)
    fields = visit.fields() if visit.given is not None else None
    answer = visit.respond(
        "store/_sending.html" if is_scan(visit) else "store/sending.html",
        status=refusal.status if refusal else 200,
        transfer=transfer,
        stage=transfer.stage.value,
        stamp=transfer_words.stamp(visit, transfer),
        origin=sites[transfer.from_location_id],
        target=sites[transfer.to_location_id],
        elsewhere="" if store_desk.stands_at(visit) in {None, transfer.from_location_id} else sites[transfer.from_location_id],
        rows=rows,
        left=sum(row.left for row in rows),
        picked=any(row.line.picked for row in rows),
        behind=sum(row.line.short for row in rows),
        progress=progress_of([(row.line.quantity, row.left) for row in rows], weighed=any(row.weighed for row in rows)),
        may_act=visit.may(Permission.STOCK_TRANSFER) and visit.principal.reaches(transfer.from_location_id),
        refused=visit.refusal(refusal) if refusal else "",
        short=short,
        errors=refusal.errors if isinstance(refusal, FormRefused) else {},
        typed=fields.values if fields and refusal else {},
        said=said,
        action=sending_href(transfer.id),
        office=transfer_href(transfer.id),
        first_day=transfer_words.today_of(visit).isoformat(),
    )
    return store_desk.with_camera(answer)


def _onward(visit: Visit, transfer: Transfer) -> str:
    """What has left is looked at where it arrives, or in the office."""
    if transfer.stage is TransferStage.TO_RECEIVE and store_desk.stands_at(visit) == transfer.to_location_id:
        return arriving_href(transfer.id)
    return transfer_href(transfer.id)


async def _rows(reader: Reader, transfer: Transfer) -> list[Row]:
    lines = {line.sku: line for line in transfer.lines if line.quantity}
    names = await lists.goods(reader, lines)
    codes = await codes_of(reader, list(lines))
    walk = await fulfilment.walk(reader, transfer.from_location_id, list(lines))
    return [
        Row(lines[one.sku], names[one.sku], one.bin, names.is_weighed(one.sku), codes.get(one.sku, one.sku)) for one in walk
    ]


# Steps


@area.post("/store/transfers/{transfer_id:str}/scan", Permission.STOCK_TRANSFER)
async def scan(visit: Visit) -> Answer:
    """One scan. It has a key of its own, so that a device may send it again after the network was away."""
    transfer_id, fields = id_of(visit), visit.fields()
    code, href = fields.raw("code")[:100], sending_href(transfer_id)
    weight = typed_weight(fields)

    async def work(tx: Tx) -> Done:
        return told_of(visit, await transferring.scan_out(tx, transfer_id, code, weight), href, code, _OUTCOMES)

    if not code:
        return visit.redirect(href)
    try:
        done = await visit.once(work)
    except NotFound:
        raise
    except Refusal as refusal:
        return await _show(visit, transfer_id, refusal)
    if is_scan(visit):
        return await _show(visit, transfer_id, said=done)
    return visit.finish(Done(done.location, done.words, tone=done.tone))


_OUTCOMES: Mapping[ScanOutcome, tuple[str, str]] = {
    ScanOutcome.COUNTED: ("good", N_("Right: %(name)s")),
    ScanOutcome.COMPLETE: ("good", N_("Everything is picked.")),
    ScanOutcome.TOO_MANY: ("bad", N_("One too many: %(name)s is complete. Put this one back.")),
    ScanOutcome.NOT_LISTED: ("bad", N_("%(name)s is not in this transfer. Put it back.")),
    ScanOutcome.UNKNOWN: ("bad", N_("The catalogue does not know the code %(code)s.")),
    ScanOutcome.WEIGH: ("warn", N_("Put it on the scales and type its weight: %(name)s")),
}


def told_of(visit: Visit, found: Scan, href: str, code: str, outcomes: Mapping[ScanOutcome, tuple[str, str]]) -> Done:
    """What a scan was, in words, for people and, as the detail, for the script."""
    tone, text = outcomes[found.outcome]
    return Done(href, visit.say(text, name=found.name, code=code), detail=f"{found.outcome}:{found.sku}", tone=tone)


_QUEUED = frozenset({"take", "undo", "all"})
"""What a device keeps, as it keeps scans, until the server answers."""


@area.post("/store/transfers/{transfer_id:str}/{step:str}", Permission.STOCK_TRANSFER)
async def take_step(visit: Visit) -> Answer:
    transfer_id, step, fields = id_of(visit), visit.path("step"), visit.fields()
    if step not in _SAID:
        raise NotFound(kind="page", id=step[:40])

    async def work(tx: Tx) -> Done:
        await _take(tx, step, transfer_id, fields)
        if step in AUDITED:
            data = {"sku": fields.raw("sku"), "units": fields.raw("quantity")} if step == "lack" else {}
            await visit.record(tx, f"transfer.{step}", to_text(TRANSFER_PREFIX, transfer_id), data)
        return Done(LIST if step == "send" else sending_href(transfer_id), visit.say(_SAID[step]))

    try:
        if is_scan(visit) and step in _QUEUED:
            return await _show(visit, transfer_id, said=await visit.once(work))
        return await visit.act(work)
    except NotFound:
        raise
    except Refusal as refusal:
        return await _show(visit, transfer_id, refusal)


AUDITED = ("pack", "send", "lack")
_SAID = {
    "take": N_("Picked."),
    "undo": N_("It lies in its place again."),
    "all": N_("Everything is picked."),
    "lack": N_("It stays here. The shelf is to be counted."),
    "pack": N_("It is packed: hand it over."),
    "unpack": N_("It is open again."),
    "send": N_("The units are on the road."),
}


async def _take(tx: Tx, step: str, transfer_id: TransferId, fields: Fields) -> None:
    match step:
        case "take":
            found = await inventory.pick_transfer(tx, transfer_id, *named(fields))
            if found.outcome not in {Taken.COUNTED, Taken.COMPLETE}:
                fields.refuse("quantity", N_("Somebody has picked of it meanwhile: look again."))
                fields.done()
        case "undo":
            await inventory.unpick_transfer(tx, transfer_id, *named(fields))
        case "all":
            await inventory.pick_whole_transfer(tx, transfer_id)
        case "lack":
            damaged = fields.one_of("why", ("not_found", "damaged"), "not_found") == "damaged"
            await inventory.lack_for_transfer(tx, transfer_id, *named(fields), damaged=damaged)
        case "pack":
            await inventory.pack_transfer(tx, transfer_id, _packed(fields), version=fields.whole("version"))
        case "unpack":
            await inventory.unpack_transfer(tx, transfer_id)
        case _:
            force = fields.checked("force")
            sent = await inventory.send_transfer(tx, transfer_id, force=force, version=fields.whole("version"))
            await lots.follow_transfer(tx, sent)


def named(fields: Fields) -> tuple[str, int]:
    """The units that a button, or a field beside it, names."""
    sku = fields.text("sku", required=True, most=100)
    units = fields.whole("quantity", least=1)
    fields.done()
    return sku, units


def _packed(fields: Fields) -> Packed:
    boxes = fields.whole("boxes", least=1, most=999, default=1)
    carrier, number = fields.text("carrier", most=64), fields.text("tracking", most=100)
    day = fields.raw("expected_on")
    expected_on = fields.parsed("expected_on", date.fromisoformat, date.min, N_("Type a day.")) if day else None
    fields.done()
    return Packed(boxes, carrier, number, expected_on)
