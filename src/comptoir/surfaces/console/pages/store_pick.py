"""Picking, one order at a time: scan first, bin by bin; what is not there or damaged is given back in two taps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound, Refusal
from comptoir.kernel.ids import to_text
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import (
    WAVE_PREFIX,
    Fulfilment,
    FulfilmentId,
    FulfilmentLine,
    LineUnits,
    Method,
    RejectReason,
    Scan,
    Scanned,
    Stage,
    State,
    WaveKind,
)
from comptoir.modules.fulfilment.errors import SomebodyElse
from comptoir.modules.lots import api as lots
from comptoir.modules.orders import api as orders
from comptoir.modules.staff.contracts import Permission
from comptoir.modules.substitution import api as substitution
from comptoir.runtime.database import Reader, Tx
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import lists, store_desk
from comptoir.surfaces.console.pages.naming import channels_of, people_of
from comptoir.surfaces.console.pages.store_lots import again_of, lots_here, refused_words
from comptoir.surfaces.console.pages.work_words import HOLD_WORDS, REJECT_WORDS
from comptoir.surfaces.console.web import Answer, Area, Done, Visit
from comptoir.surfaces.substituting import settle

area = Area("store")

MOST_LOOKED_UP = 40
"""So many products' numbers are given along, for a device that has to judge scans by itself."""
WAVE_KINDS = {
    WaveKind.BATCH: (N_("Together"), N_("Each product once, for all of the orders.")),
    WaveKind.SINGLE: (N_("One by one"), N_("One order after the other.")),
    WaveKind.ZONE: (N_("By zones"), N_("Each picker takes a zone; the orders come together at the end.")),
}
GIVEN_BACK = (RejectReason.NO_STAFF, RejectReason.CLOSED, RejectReason.OTHER)
"""Why a location gives all of it back; what is not found or damaged is said of a product."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line on the way through the bins."""

    line: FulfilmentLine
    bin: str
    weighed: bool
    codes: str
    """What a scanner may read on it, between spaces."""

    @property
    def left(self) -> int:
        return self.line.quantity - self.line.picked

    @property
    def loose(self) -> int:
        """Picked, and in no box yet."""
        return self.line.picked - self.line.packed


@area.get("/store/pick", Permission.ORDERS_READ)
async def pick_list(visit: Visit) -> Answer:
    async with visit.read() as reader:
        place = await store_desk.here(visit, reader)
        if place is None:
            return store_desk.choose_first(visit)
        found = await fulfilment.urgent(reader, place.id, [Stage.TO_PICK], visit.principal.actor, visit.page.now)
        held = await fulfilment.urgent(reader, place.id, [Stage.WAITING], visit.principal.actor, visit.page.now, limit=20)
        waves = (await fulfilment.find_waves(reader, place.id, limit=10)).items
        return visit.respond(
            "store/pick_list.html",
            place=lists.label(place),
            tasks=await store_desk.tasks(visit, reader, found),
            held=await store_desk.tasks(visit, reader, held),
            kinds=[(kind.value, visit.say(word), visit.say(meaning)) for kind, (word, meaning) in WAVE_KINDS.items()],
            waves=[
                (f"/store/waves/{to_text(WAVE_PREFIX, one.id)}", one) for one in waves if one.state == "open" and one.orders
            ],
        )


@area.get("/store/pick/{fulfilment_id:str}", Permission.ORDERS_READ)
async def pick_page(visit: Visit) -> Answer:
    return await show(visit, store_desk.id_of(visit))


async def show(visit: Visit, fulfilment_id: FulfilmentId, refusal: Refusal | None = None, said: Done | None = None) -> Answer:
    """The page, or for a script the part of it that a scan has changed."""
    async with visit.read() as reader:
        one = await fulfilment.get(reader, fulfilment_id)
        rows = await _rows(reader, one)
        here = await lots_here(visit, reader, one.location_id, {row.line.sku for row in rows})
        offers = await substitution.offers(reader, one.id) if one.picked < one.quantity else {}
        people = await people_of(visit, reader, [one.assignee], await channels_of(visit, reader))
        elsewhere = await store_desk.elsewhere(visit, reader, one)
    others = bool(one.assignee) and one.assignee != visit.principal.actor and one.state is State.IN_PROGRESS
    taken = isinstance(refusal, SomebodyElse)
    answer = visit.respond(
        "store/_pick.html" if is_scan(visit) else "store/pick.html",
        status=refusal.status if refusal else 200,
        one=one,
        task=store_desk.task(visit, one, people, _pieces(rows)),
        stamp=store_desk.stamp(visit, one),
        elsewhere=elsewhere,
        rows=rows,
        offers=offers,
        lots=here,
        anyway=again_of(visit, refusal),
        currency=(await _currency(visit, one)) if offers else "",
        left=sum(row.left for row in rows),
        progress=progress_of([(row.line.quantity, row.left) for row in rows], weighed=any(row.weighed for row in rows)),
        workable=one.state in {State.OPEN, State.SCHEDULED, State.IN_PROGRESS, State.INCOMPLETE},
        others=people[one.assignee] if others or taken else "",
        hold=visit.say(HOLD_WORDS[one.hold_reason]) if one.hold_reason else "",
        collected=one.method is Method.COLLECT,
        reasons=[(reason.value, visit.say(REJECT_WORDS[reason])) for reason in GIVEN_BACK],
        refused=refused_words(visit, refusal) if refusal and not taken else "",
        said=said,
        action=f"/store/pick/{store_desk.text_of(one.id)}",
    )
    return store_desk.with_camera(answer)


def _pieces(rows: Sequence[Row]) -> int:
    """What is weighed is one for each line, however much it is."""
    return sum(min(1, row.line.open) if row.weighed else row.line.open for row in rows)


async def _currency(visit: Visit, one: Fulfilment) -> str:
    async with visit.read() as reader:
        return (await orders.order(reader, one.order_id)).currency


def progress_of(rows: Sequence[tuple[int, int]], *, weighed: bool) -> tuple[int, int]:
    """How much of (units, left) is done, of how much: pieces, or lines where some are weighed."""
    if weighed:
        return sum(1 for _, left in rows if not left), len(rows)
    return sum(units - left for units, left in rows), sum(units for units, _ in rows)


def is_scan(visit: Visit) -> bool:
    """A script sends a scan and wants the part of the page that it changes."""
    return visit.request.headers.get("x-scan") == "yes"


async def _rows(reader: Reader, one: Fulfilment) -> list[Row]:
    lines = [line for line in one.lines if line.quantity]
    names = await lists.goods(reader, [line.sku for line in lines])
    codes = await codes_of(reader, [line.sku for line in lines])
    walk = await fulfilment.stops(reader, one.location_id, [one])
    places = {stop.sku: (n, stop.bin) for n, stop in enumerate(walk)}
    rows = [
        Row(line, places.get(line.sku, (0, ""))[1], names.is_weighed(line.sku), codes.get(line.sku, line.sku)) for line in lines
    ]
    return sorted(rows, key=lambda row: (places.get(row.line.sku, (len(walk), ""))[0], row.line.line_no))


async def codes_of(reader: Reader, skus: list[str]) -> dict[str, str]:
    """What a scanner may read on each of these, as far as they are few."""
    wanted = sorted(set(skus))[:MOST_LOOKED_UP]
    gtins = await catalogue.gtins(reader, wanted)
    return {sku: f"{sku} {gtins[sku]}" if sku in gtins else sku for sku in wanted}


# Steps


@area.post("/store/pick/{fulfilment_id:str}/scan", Permission.FULFIL)
async def scan(visit: Visit) -> Answer:
    """One scan. It has a key of its own, so that a device may send it again after the network was away."""
    fulfilment_id, code = store_desk.id_of(visit), visit.fields().raw("code")[:100]
    href = f"/store/pick/{store_desk.text_of(fulfilment_id)}"
    weight, anyway = typed_weight(visit.fields()), visit.fields().checked("anyway")

    async def work(tx: Tx) -> Done:
        found = await fulfilment.scan(tx, fulfilment_id, code, weight)
        if found.line is not None and found.outcome in {Scanned.PICKED, Scanned.ALL_PICKED}:
            await lots.scanned(tx, fulfilment_id, code, found.line.line_no, in_order=not anyway)
        return told_of(visit, found, href, code, weight)

    if not code:
        return visit.redirect(href)
    try:
        done = await visit.once(work)
    except Refusal as refusal:
        return await show(visit, fulfilment_id, refusal)
    return await show(visit, fulfilment_id, said=done) if is_scan(visit) else visit.finish(_plain(done))


def _plain(done: Done) -> Done:
    """Without what only a script reads."""
    return Done(done.location, done.words, tone=done.tone)


_OUTCOMES = {
    Scanned.PICKED: ("good", N_("Right: %(name)s")),
    Scanned.ALL_PICKED: ("good", N_("Everything is picked.")),
    Scanned.TOO_MANY: ("bad", N_("One too many: %(name)s is complete. Put this one back.")),
    Scanned.NOT_IN_ORDER: ("bad", N_("%(code)s is not in this order. Put it back.")),
    Scanned.UNKNOWN: ("bad", N_("The catalogue does not know the code %(code)s.")),
    Scanned.WEIGH: ("warn", N_("Put it on the scales and type its weight: %(name)s")),
}
_TOO_HEAVY = N_("%(name)s: that is more than was ordered. Take some off and weigh it again.")
_NO_WEIGHT = N_("Type the weight in kilograms, such as 1.250.")


_KILOGRAMS = re.compile(r"\d{1,5}(?:[.,]\d{1,3})?")


def typed_weight(fields: Fields) -> int | None:
    """What the scales say, in grams; None where nothing was typed, and 0 for what is no weight."""
    text = fields.raw("weight").strip().removesuffix("kg").strip()
    if not text:
        return None
    return int(Decimal(text.replace(",", ".")).scaleb(3)) if _KILOGRAMS.fullmatch(text) else 0


def told_of(visit: Visit, found: Scan, href: str, code: str, weight: int | None) -> Done:
    """What a scan was, in words. What has to be weighed is asked for: a label rarely says all of what was ordered."""
    line = found.line
    name = (line.name or line.sku) if line else ""
    tone, text = _OUTCOMES[found.outcome]
    if found.outcome is Scanned.TOO_MANY and line is not None and line.picked < line.quantity:
        tone, text = ("warn", _NO_WEIGHT) if weight == 0 else ("bad", _TOO_HEAVY)
    detail = f"{found.outcome}:{line.sku}" if found.outcome is Scanned.WEIGH and line is not None else str(found.outcome)
    return Done(href, visit.say(text, name=name, code=code, left=found.left), detail=detail, tone=tone)


@area.post("/store/pick/{fulfilment_id:str}/{step:str}", Permission.FULFIL)
async def take_step(visit: Visit) -> Answer:
    fulfilment_id, step, fields = store_desk.id_of(visit), visit.path("step"), visit.fields()
    if step not in _STEPS:
        raise NotFound(kind="page", id=step)

    async def work(tx: Tx) -> Done:
        after, words = await _taken(visit, tx, step, fulfilment_id, fields)
        if step in _BACK:
            await lots.follow(tx, after)
        subject, data = store_desk.text_of(fulfilment_id), {"number": after.number}
        if step == "instead":
            await visit.record(tx, "fulfilment.instead", subject, data | {"code": fields.raw("code")[:80]})
        elif step == "give-back":
            await visit.record(tx, "fulfilment.give_back", subject, data | {"reason": fields.raw("reason")})
        elif step == "put-back":
            await visit.record(tx, "fulfilment.put_back", subject, data)
        elif step == "ready":
            await visit.record(tx, "fulfilment.ready", subject, data)
        return Done(_onward(after, step), words)

    try:
        if is_scan(visit) and step in _QUEUED:
            return await show(visit, fulfilment_id, said=await visit.once(work))
        return await visit.act(work)
    except Refusal as refusal:
        return await show(visit, fulfilment_id, refusal)


_BACK = frozenset({"undo", "give-back", "put-back", "instead"})
"""After these fewer units may be picked than before."""
_QUEUED = frozenset({"take", "undo", "all"})
"""What a device keeps, as it keeps scans, until the server answers."""
_STEPS = ("begin", "take", "undo", "all", "give-back", "put-back", "ready", "instead")


def _onward(after: Fulfilment, step: str) -> str:
    if after.state in {State.CLOSED, State.CANCELLED} or step == "put-back":
        return "/store/pick"
    return store_desk.page_of(after) if step == "ready" else f"/store/pick/{store_desk.text_of(after.id)}"


async def _taken(visit: Visit, tx: Tx, step: str, fulfilment_id: FulfilmentId, fields: Fields) -> tuple[Fulfilment, str]:
    match step:
        case "begin":
            after = await fulfilment.begin(tx, fulfilment_id, take_over=fields.checked("take_over"))
            words = N_("It is yours now.")
        case "take":
            after = await fulfilment.pick(tx, fulfilment_id, _named(fields))
            words = N_("Picked.")
        case "undo":
            after = await fulfilment.unpick(tx, fulfilment_id, _named(fields) or ())
            words = N_("It lies in its place again.")
        case "all":
            after = await fulfilment.pick(tx, fulfilment_id)
            words = N_("Everything is picked.")
        case "ready":
            after = await fulfilment.ready(tx, fulfilment_id)
            words = N_("It is ready to collect.")
        case "put-back":
            after = await fulfilment.put_back(tx, fulfilment_id)
            words = N_("It is left to others; put back what you had picked.")
        case "instead":
            after, words = await _taken_instead(visit, tx, fulfilment_id, fields)
        case _:
            reason = fields.choice("reason", RejectReason)
            lines = _named(fields)
            fields.done()
            after = await fulfilment.reject(tx, fulfilment_id, lines, reason)
            words = N_("Given back: another location is found for it.")
    return after, visit.say(words)


async def _taken_instead(visit: Visit, tx: Tx, fulfilment_id: FulfilmentId, fields: Fields) -> tuple[Fulfilment, str]:
    """Something else is in hand: what was tapped, or scanned."""
    line_no = fields.whole("line", least=1, most=1_000_000)
    units = fields.whole("quantity", least=1)
    code = fields.text("code", required=True, most=100)
    fields.done()
    sku, theirs = await fulfilment.sku_of(tx, code), visit.principal.limited
    await substitution.substitute(tx, fulfilment_id, line_no, units, sku, settle, theirs=theirs)
    return await fulfilment.get(tx, fulfilment_id), N_("It goes instead. The buyer is told, and pays no more.")


def _named(fields: Fields) -> list[LineUnits] | None:
    """The units of a line that the form names; None where it names no line."""
    if not fields.raw("line"):
        return None
    line_no = fields.whole("line", least=1, most=1_000_000)
    units = fields.whole("quantity", least=1)
    fields.done()
    return [LineUnits(line_no, units)]
