"""Parcels that come back: announced or not, ours or not. Whatever is scanned leads to what is to be received."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from urllib.parse import urlencode

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound, Refusal
from comptoir.kernel.ids import from_text, to_text
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import (
    RETURN_CASE_PREFIX,
    Arrived,
    Found,
    Reason,
    ReturnCase,
    ReturnCaseId,
    ReturnFilter,
    Units,
)
from comptoir.modules.locations.contracts import Location
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import ORDER_PREFIX, Order, OrderId
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader, Tx
from comptoir.surfaces.changing import SETTING
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import lists, return_finding, store_desk
from comptoir.surfaces.console.pages.naming import channels_of
from comptoir.surfaces.console.pages.return_finding import COMING, Findings
from comptoir.surfaces.console.pages.return_words import REASON_WORDS, reasons, return_href, stamp
from comptoir.surfaces.console.web import Answer, Area, Done, Visit

area = Area("returns")

HERE = "/returns/receive"
NAMELESS = "UNKNOWN"
"""The SKU of what has none that anybody can read."""
_NEXT = 20

Work = Callable[[Tx], Awaitable[Done]]


@area.get(HERE, Permission.ORDERS_ACT)
async def receive(visit: Visit) -> Answer:
    return await _show(visit, Fields({}, visit.page.locale))


async def _show(visit: Visit, fields: Fields, refused: str = "") -> Answer:
    given = fields.values or visit.page.query
    async with visit.read() as reader:
        place = await store_desk.here(visit, reader)
        if place is None:
            return store_desk.choose_first(visit)
        q = given.get("q", "").strip()
        case = await _case(reader, given.get("return", ""))
        order = await _order(
            reader, given.get("order", "") or (to_text(ORDER_PREFIX, case.order_id) if case and case.order_id else "")
        )
        findings = Findings("", (), (), "")
        if case is None and order is None and not given.get("unknown"):
            findings = await return_finding.find(visit, reader, q)
            alone = _alone(findings)
            if alone:
                return visit.redirect(f"{HERE}?{urlencode(alone | {'parcel': _parcel(q, findings)})}")
        coming = await _coming(reader, place) if not (q or case or order or given.get("unknown")) else []
        skus = {line.sku for line in order.lines if line.sku} if order else set[str]()
        names = await lists.goods(reader, skus | {sku for one in findings.found for _, sku, _ in one.lines})
        channels = await channels_of(visit, reader)
    answer = visit.respond(
        "returns/receive.html",
        status=422 if refused or fields.errors else 200,
        place=lists.label(place),
        q=q,
        case=case,
        order=order,
        lines=_lines(order, case),
        order_text="" if order is None else to_text(ORDER_PREFIX, order.id),
        case_text="" if case is None else to_text(RETURN_CASE_PREFIX, case.id),
        unknown=bool(given.get("unknown")) or bool(q and not findings.cases and not findings.found),
        findings=findings,
        coming=coming,
        names=names,
        channels=channels,
        values=dict(given),
        errors=fields.errors,
        refused=refused,
        parcel=given.get("parcel", "") or (q if given.get("unknown") else ""),
        reason_options=lists.options_of(visit, REASON_WORDS),
        href=return_href,
        pick=partial(_pick, q=q, findings=findings),
        code=changes.return_code,
        stamp=partial(stamp, visit),
        reasons=partial(reasons, visit),
    )
    return store_desk.with_camera(answer)


async def _case(reader: Reader, text: str) -> ReturnCase | None:
    try:
        return await changes.get_return(reader, ReturnCaseId(from_text(RETURN_CASE_PREFIX, text))) if text else None
    except ValueError as problem:
        raise NotFound(kind="return_case", id=text) from problem


async def _order(reader: Reader, text: str) -> Order | None:
    order_id = return_finding.order_named(text)
    return await orders.order(reader, order_id) if order_id is not None else None


async def _coming(reader: Reader, place: Location) -> list[ReturnCase]:
    """What is expected here, the oldest first."""
    wanted = ReturnFilter(states=COMING, location=place.id)
    page = await changes.find_returns(reader, wanted, sort="requested", limit=_NEXT)
    return await changes.with_units(reader, page.items)


def _alone(findings: Findings) -> dict[str, str]:
    """Where a scan leads that can mean one thing only."""
    if len(findings.cases) == 1:
        return {"return": to_text(RETURN_CASE_PREFIX, findings.cases[0].id)}
    if not findings.cases and len(findings.found) == 1:
        return {"order": to_text(ORDER_PREFIX, findings.found[0].order_id)}
    return {}


def _pick(one: ReturnCase | Found, q: str, findings: Findings) -> str:
    """Where one of several leads."""
    kind = (
        {"return": to_text(RETURN_CASE_PREFIX, one.id)}
        if isinstance(one, ReturnCase)
        else {"order": to_text(ORDER_PREFIX, one.order_id)}
    )
    return f"{HERE}?{urlencode(kind | {'parcel': _parcel(q, findings)})}"


def _parcel(q: str, findings: Findings) -> str:
    """A tracking number is the parcel's own; the code of a return, an order's number or an article's is none."""
    ours = changes.return_number(return_finding.plain(q)) is not None or q.startswith("ord_") or findings.sku
    tracked = any(case.tracking_number == q for case in findings.cases)
    return q if tracked or (not ours and "@" not in q and " " not in q) else ""


def _lines(order: Order | None, case: ReturnCase | None) -> list[tuple[int, str, str, int, int]]:
    """(line number, SKU, name, how many can come, how many are announced)."""
    if order is None:
        return []
    announced = {} if case is None else {item.line_no: max(0, item.quantity - item.received) for item in case.items}
    rows = [
        (line.line_no, line.sku, line.name or line.sku, line.shipped - line.returned, announced.get(line.line_no, 0))
        for line in order.lines
        if line.sku is not None and line.shipped > line.returned
    ]
    return sorted(rows, key=lambda row: (not row[4], row[0]))


@area.post(HERE, Permission.ORDERS_ACT)
async def take_in(visit: Visit) -> Answer:
    fields = visit.fields()
    async with visit.read() as reader:
        place = await store_desk.here(visit, reader)
        if place is None:
            return store_desk.choose_first(visit)
        case = await _case(reader, fields.raw("return"))
        order = await _order(reader, fields.raw("order"))
    if case is not None and order is not None:
        work = _announced(visit, fields, place, case, order)
    elif order is not None:
        work = _unannounced(visit, fields, place, order)
    else:
        work = _unknown(visit, fields, place)
    try:
        fields.done()
        return await visit.act(work)
    except NotFound:
        raise
    except Refusal as refusal:
        words = visit.say(N_("Something is not right yet.")) if fields.errors else visit.refusal(refusal)
        return await _show(visit, fields, words)


def _units(fields: Fields, order: Order) -> dict[int, int]:
    found: dict[int, int] = {}
    for line in order.lines:
        if line.sku is not None and line.shipped > line.returned:
            units = fields.whole(f"units-{line.line_no}", least=0, most=line.shipped - line.returned, default=0)
            if units:
                found[line.line_no] = units
    if not found and not fields.errors:
        fields.refuse("units", N_("Say what was in the parcel."))
    return found


def _announced(visit: Visit, fields: Fields, place: Location, case: ReturnCase, order: Order) -> Work:
    units = _units(fields, order)
    arrived = [Arrived(no, n, fields.text(f"other-{no}", most=64) or None) for no, n in units.items()]
    parcel = fields.text("parcel", most=120)

    async def work(tx: Tx) -> Done:
        done = await changes.receive_return(tx, case.id, place.id, arrived, parcel=parcel)
        return await _done(visit, tx, done)

    return work


def _unannounced(visit: Visit, fields: Fields, place: Location, order: Order) -> Work:
    units = [Units(no, n, fields.choice(f"reason-{no}", Reason, Reason.OTHER)) for no, n in _units(fields, order).items()]
    parcel, sender, note = fields.text("parcel", most=120), fields.text("sender", most=200), fields.text("note", most=500)

    async def work(tx: Tx) -> Done:
        done = await changes.receive_unannounced(
            tx, OrderId(order.id), place.id, units, SETTING, parcel=parcel, sender=sender, note=note
        )
        return await _done(visit, tx, done)

    return work


def _unknown(visit: Visit, fields: Fields, place: Location) -> Work:
    sku = fields.text("sku", most=64) or NAMELESS
    quantity = fields.whole("quantity", least=1, default=1)
    parcel, note = fields.text("parcel", most=120), fields.text("note", most=500)
    sender = fields.text("sender", required=True, most=200)

    async def work(tx: Tx) -> Done:
        done = await changes.receive_unknown(tx, place.id, sku, quantity, parcel=parcel, note=note, sender=sender)
        return await _done(visit, tx, done)

    return work


async def _done(visit: Visit, tx: Tx, case: ReturnCase) -> Done:
    code = changes.return_code(case.number)
    await visit.record(tx, "return.received", return_href(case.id).rpartition("/")[2], {"number": code})
    if visit.fields().checked("again"):
        return Done(HERE, visit.say(N_("%(code)s is received. The next one, please."), code=code))
    return Done(
        f"{return_href(case.id)}/inspect", visit.say(N_("%(code)s is received. Have a look at it now, or later."), code=code)
    )
