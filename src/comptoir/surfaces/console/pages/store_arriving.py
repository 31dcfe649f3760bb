"""Transfers where they arrive: scanned by as many people as there are, taken in, and what is otherwise than the papers say.

A scan counts; nothing moves until somebody takes in what was counted. What is not on the transfer, or is more than was sent, is
counted when whoever holds it says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound, Refusal
from comptoir.kernel.ids import to_text
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import (
    Absence,
    DamageReason,
    Settled,
    Taken,
    Tallied,
    Transfer,
    TransferId,
    TransferLine,
    TransferStage,
)
from comptoir.modules.lots import api as lots
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader, Tx
from comptoir.surfaces import transferring
from comptoir.surfaces.console.forms import Fields, FormRefused
from comptoir.surfaces.console.pages import lists, store_desk, transfer_words
from comptoir.surfaces.console.pages.stock_words import TRANSFER_PREFIX
from comptoir.surfaces.console.pages.store_pick import codes_of, is_scan, progress_of, typed_weight
from comptoir.surfaces.console.pages.store_sending import named, told_of
from comptoir.surfaces.console.pages.transfer_words import DAMAGES, FATES, arriving_href
from comptoir.surfaces.console.pages.transfers import id_of, transfer_href
from comptoir.surfaces.console.web import Answer, Area, Done, Visit
from comptoir.surfaces.transferring import ScanOutcome

area = Area("store")

LIST = "/store/receive"


@dataclass(frozen=True, slots=True)
class Row:
    """A SKU that should come, or has come."""

    line: TransferLine
    name: str
    bin: str
    weighed: bool
    codes: str
    scanned: int
    broken: tuple[tuple[str, int], ...]
    """Why units are damaged, in words, and how many."""

    @property
    def left(self) -> int:
        return max(0, self.line.open - self.scanned)

    @property
    def on_top(self) -> int:
        return max(0, self.scanned - self.line.open)

    @property
    def good(self) -> int:
        return self.scanned - sum(units for _, units in self.broken)


@dataclass(frozen=True, slots=True)
class Asked:
    """What was scanned and not counted: whoever holds it says what becomes of it."""

    sku: str
    name: str
    listed: bool


@dataclass(frozen=True, slots=True)
class Arrived:
    """A transfer with what is scanned of it."""

    transfer: Transfer
    rows: tuple[Row, ...]

    @property
    def missing(self) -> list[Row]:
        return [row for row in self.rows if row.left]

    @property
    def differs(self) -> bool:
        return any(row.left or row.on_top or row.broken for row in self.rows)


async def _load(visit: Visit, reader: Reader, transfer_id: TransferId) -> Arrived:
    transfer = await inventory.transfer(reader, transfer_id)
    tally = await inventory.tallies(reader, transfer_id)
    return Arrived(transfer, tuple(await _rows(visit, reader, transfer, tally)))


async def _rows(visit: Visit, reader: Reader, transfer: Transfer, tally: Sequence[Tallied]) -> list[Row]:
    scanned: Counter[str] = Counter()
    broken: dict[str, list[tuple[str, int]]] = {}
    for one in tally:
        scanned[one.sku] += one.units
        if one.damage is not None:
            broken.setdefault(one.sku, []).append((visit.say(DAMAGES[one.damage]), one.units))
    lines = {line.sku: line for line in transfer.lines if line.open}
    lines |= {sku: TransferLine(sku, 0) for sku in scanned if sku not in lines}
    names = await lists.goods(reader, lines)
    codes = await codes_of(reader, list(lines))
    bins = await fulfilment.bins(reader, transfer.to_location_id, list(lines))
    rows = [
        Row(
            line,
            names[sku],
            bins.get(sku, ""),
            names.is_weighed(sku),
            codes.get(sku, sku),
            scanned[sku],
            tuple(broken.get(sku, ())),
        )
        for sku, line in lines.items()
    ]
    return sorted(rows, key=lambda row: (not row.left, row.name.casefold(), row.line.sku))


@area.get("/store/arriving/{transfer_id:str}", Permission.STOCK_READ)
async def arriving_page(visit: Visit) -> Answer:
    return await _show(visit, id_of(visit), asked=visit.param("ask"))


async def _show(
    visit: Visit, transfer_id: TransferId, refusal: Refusal | None = None, said: Done | None = None, asked: str = ""
) -> Answer:
    """The page, or for a script the part of it that a scan has changed."""
    async with visit.read() as reader:
        here = await _load(visit, reader, transfer_id)
        sites = await lists.sites(reader)
        question = await _asked(reader, here, asked or _sku_to_ask(said))
    transfer = here.transfer
    if transfer.stage is not TransferStage.TO_RECEIVE and refusal is None and not is_scan(visit):
        return visit.redirect(transfer_href(transfer.id))
    counted = {row.line.sku: row.scanned for row in here.rows}
    answer = visit.respond(
        "store/_arriving.html" if is_scan(visit) else "store/arriving.html",
        status=refusal.status if refusal else 200,
        transfer=transfer,
        open=transfer.stage is TransferStage.TO_RECEIVE,
        stamp=transfer_words.stamp(visit, transfer),
        due=transfer_words.due(visit, transfer),
        origin=sites[transfer.from_location_id],
        target=sites[transfer.to_location_id],
        elsewhere="" if store_desk.stands_at(visit) in {None, transfer.to_location_id} else sites[transfer.to_location_id],
        rows=here.rows,
        left=sum(row.left for row in here.rows),
        scanned=sum(counted.values()),
        pieces=sum(min(1, row.scanned) if row.weighed else row.scanned for row in here.rows),
        differs=here.differs,
        asked=question,
        progress=progress_of([(row.line.open, row.left) for row in here.rows], weighed=any(row.weighed for row in here.rows)),
        damages=[(reason.value, visit.say(word)) for reason, word in DAMAGES.items()],
        may_act=visit.may(Permission.STOCK_TRANSFER) and visit.principal.reaches(transfer.to_location_id),
        refused=visit.refusal(refusal) if refusal else "",
        said=said,
        action=arriving_href(transfer.id),
        office=transfer_href(transfer.id),
    )
    return store_desk.with_camera(answer)


def _sku_to_ask(said: Done | None) -> str:
    outcome, _, sku = said.detail.partition(":") if said else ("", "", "")
    return sku if outcome in {ScanOutcome.TOO_MANY, ScanOutcome.NOT_LISTED} else ""


async def _asked(reader: Reader, here: Arrived, sku: str) -> Asked | None:
    if not sku:
        return None
    known = (await lists.goods(reader, [sku[:100]])) if sku.isprintable() else None
    if known is None or not known.is_known(sku):
        return None
    return Asked(sku, known[sku], listed=any(line.sku == sku for line in here.transfer.lines))


# Steps


@area.post("/store/arriving/{transfer_id:str}/scan", Permission.STOCK_TRANSFER)
async def scan(visit: Visit) -> Answer:
    """One scan. It has a key of its own, so that a device may send it again after the network was away."""
    transfer_id, fields = id_of(visit), visit.fields()
    code, href = fields.raw("code")[:100], arriving_href(transfer_id)
    weight = typed_weight(fields)

    async def work(tx: Tx) -> Done:
        return told_of(visit, await transferring.scan_in(tx, transfer_id, code, weight), href, code, _OUTCOMES)

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
    sku = _sku_to_ask(done)
    return visit.finish(Done(f"{href}?{urlencode({'ask': sku})}" if sku else href, done.words, tone=done.tone))


_OUTCOMES: Mapping[ScanOutcome, tuple[str, str]] = {
    ScanOutcome.COUNTED: ("good", N_("Here: %(name)s")),
    ScanOutcome.COMPLETE: ("good", N_("Everything is here.")),
    ScanOutcome.TOO_MANY: ("bad", N_("All of it is here already: %(name)s. This one is not counted.")),
    ScanOutcome.NOT_LISTED: ("bad", N_("%(name)s is not on this transfer. It is not counted.")),
    ScanOutcome.UNKNOWN: ("bad", N_("The catalogue does not know the code %(code)s.")),
    ScanOutcome.WEIGH: ("warn", N_("Put it on the scales and type its weight: %(name)s")),
}
_QUEUED = frozenset({"take", "undo", "all"})
"""What a device keeps, as it keeps scans, until the server answers."""
_SAID = {
    "take": N_("It is counted."),
    "undo": N_("It is counted no more."),
    "all": N_("Everything is here."),
    "on-top": N_("It is counted on top of what was sent."),
    "damaged": N_("It is counted as damaged."),
}


@area.post("/store/arriving/{transfer_id:str}/{step:str}", Permission.STOCK_TRANSFER)
async def take_step(visit: Visit) -> Answer:
    transfer_id, step, fields = id_of(visit), visit.path("step"), visit.fields()
    if step not in _SAID:
        raise NotFound(kind="page", id=step[:40])

    async def work(tx: Tx) -> Done:
        await _take(tx, step, transfer_id, fields)
        return Done(arriving_href(transfer_id), visit.say(_SAID[step]))

    try:
        if is_scan(visit) and step in _QUEUED:
            return await _show(visit, transfer_id, said=await visit.once(work))
        return await visit.act(work)
    except NotFound:
        raise
    except Refusal as refusal:
        return await _show(visit, transfer_id, refusal)


async def _take(tx: Tx, step: str, transfer_id: TransferId, fields: Fields) -> None:
    match step:
        case "take":
            sku, units = named(fields)
            found = await inventory.tally_transfer(tx, transfer_id, sku, units)
            if found.outcome not in {Taken.COUNTED, Taken.COMPLETE}:
                fields.refuse("quantity", N_("Somebody has scanned of it meanwhile: look again."))
                fields.done()
        case "undo":
            await inventory.untally_transfer(tx, transfer_id, *named(fields))
        case "all":
            await inventory.tally_whole_transfer(tx, transfer_id)
        case "on-top":
            await inventory.tally_transfer(tx, transfer_id, *named(fields), on_top=True)
        case _:
            reason = fields.choice("reason", DamageReason)
            await inventory.tally_transfer(tx, transfer_id, *named(fields), damage=reason, on_top=fields.checked("on_top"))


# Taking in


@area.get("/store/arriving/{transfer_id:str}/take-in", Permission.STOCK_TRANSFER)
async def take_in_form(visit: Visit) -> Answer:
    """What is otherwise than the papers say, before it is taken in: what is missing is decided here."""
    return await _finish(visit, id_of(visit))


async def _finish(visit: Visit, transfer_id: TransferId, refusal: Refusal | None = None) -> Answer:
    async with visit.read() as reader:
        here = await _load(visit, reader, transfer_id)
        sites = await lists.sites(reader)
    transfer = here.transfer
    if transfer.stage is not TransferStage.TO_RECEIVE:
        return visit.redirect(transfer_href(transfer.id))
    typed = visit.fields().values if refusal and visit.given is not None else {}
    answer = visit.respond(
        "store/take_in.html",
        status=refusal.status if refusal else 200,
        transfer=transfer,
        origin=sites[transfer.from_location_id],
        missing=here.missing,
        surplus=[row for row in here.rows if row.on_top],
        broken=[row for row in here.rows if row.broken],
        pieces=sum(min(1, row.scanned) if row.weighed else row.scanned for row in here.rows),
        fates=[
            ("" if fate is None else fate.value, visit.say(word), visit.say(help_)) for fate, (word, help_) in FATES.items()
        ],
        typed=typed,
        errors=refusal.errors if isinstance(refusal, FormRefused) else {},
        refused=visit.refusal(refusal) if refusal else "",
        action=f"{arriving_href(transfer.id)}/take-in",
        back=arriving_href(transfer.id),
    )
    return store_desk.with_camera(answer)


@area.post("/store/arriving/{transfer_id:str}/take-in", Permission.STOCK_TRANSFER)
async def take_in(visit: Visit) -> Answer:
    """What was counted is on hand, and what is missing is as somebody has decided."""
    transfer_id, fields = id_of(visit), visit.fields()

    async def work(tx: Tx) -> Done:
        # The lock keeps scans out: what is decided about is what was seen.
        transfer = await inventory.lock_transfer(tx, transfer_id)
        tally = await inventory.tallies(tx, transfer_id)
        scanned: Counter[str] = Counter()
        for one in tally:
            scanned[one.sku] += one.units
        settled = _settled(fields, {line.sku: line.open - scanned[line.sku] for line in transfer.lines})
        after = await inventory.take_in_transfer(tx, transfer_id, settled=settled)
        await lots.follow_transfer(tx, after)
        data = {"units": sum(scanned.values()), "lines": len(scanned)}
        data |= {row.fate.value: sum(one.quantity for one in settled if one.fate is row.fate) for row in settled}
        await visit.record(tx, "transfer.receive", to_text(TRANSFER_PREFIX, transfer_id), data)
        open_ = after.stage is TransferStage.TO_RECEIVE
        words = N_("What came is on hand now; the rest is on its way.") if open_ else N_("The transfer is complete.")
        return Done(LIST, visit.say(words))

    try:
        return await visit.act(work)
    except NotFound:
        raise
    except Refusal as refusal:
        return await _finish(visit, transfer_id, refusal)


def _settled(fields: Fields, left: Mapping[str, int]) -> list[Settled]:
    """What somebody has decided about what did not come: only about as many as they saw."""
    settled: list[Settled] = []
    for sku, text in sorted(fields.starting("fate:").items()):
        if not text:
            continue
        fate = fields.choice(f"fate:{sku}", Absence)
        if fields.whole(f"units:{sku}", least=0) != left.get(sku, 0):
            fields.refuse(f"fate:{sku}", N_("Somebody has scanned of it meanwhile: look again."))
        elif left[sku]:
            settled.append(Settled(sku, left[sku], fate))
    fields.done()
    return settled
