"""Where things lie: found by product or by bin, and said by scanning the one and then the other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from comptoir.i18n import N_
from comptoir.kernel.errors import Refusal
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.locations.contracts import Location
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Tx
from comptoir.surfaces.console.forms import Fields, FormRefused
from comptoir.surfaces.console.pages import lists, store_desk
from comptoir.surfaces.console.web import PAGE_SIZE, Answer, Area, Done, Visit

area = Area("store")

BINS = "/store/bins"
MAX_BIN = 40


@area.get(BINS, Permission.STOCK_READ)
async def bins_page(visit: Visit) -> Answer:
    if visit.wants_csv:
        async with visit.read() as reader:
            place = await store_desk.here(visit, reader)
        if place is None:
            return store_desk.choose_first(visit)
        # The names of the columns are those that an import reads, in every language.
        return visit.csv("bins", COLUMNS, _exported(visit, place))
    return await _show(visit)


COLUMNS = ("location", "sku", "bin", "zone", "sequence")


async def _exported(visit: Visit, place: Location) -> AsyncIterator[Sequence[object]]:
    async with visit.read() as reader:
        async for one in fulfilment.stream_bins(reader, [place.id]):
            yield place.code, one.sku, one.bin, one.zone or "", "" if one.sequence is None else str(one.sequence)


async def _show(visit: Visit, refusal: Refusal | None = None) -> Answer:
    async with visit.read() as reader:
        place = await store_desk.here(visit, reader)
        if place is None:
            return store_desk.choose_first(visit)
        page = await fulfilment.find_bins(reader, place.id, search=visit.param("q"), limit=PAGE_SIZE, cursor=visit.cursor)
        names = await lists.goods(reader, [one.sku for one in page.items])
    answer = visit.respond(
        "store/bins.html",
        status=refusal.status if refusal else 200,
        place=lists.label(place),
        rows=page.items,
        names=names,
        before=page.previous,
        after=page.next,
        q=visit.param("q"),
        may_act=visit.may(Permission.FULFIL),
        may_export=visit.may(Permission.EXPORT),
        may_import=visit.may(Permission.IMPORTS_RUN),
        typed=visit.fields().values if refusal else {},
        errors=refusal.errors if isinstance(refusal, FormRefused) else {},
        refused=visit.refusal(refusal) if refusal else "",
    )
    return store_desk.with_camera(answer)


@area.post(BINS, Permission.FULFIL)
async def put_bin(visit: Visit) -> Answer:
    """A product lies in a bin from now on; without a bin it has none."""
    fields = visit.fields()
    async with visit.read() as reader:
        place = await store_desk.here(visit, reader)
    if place is None:
        return store_desk.choose_first(visit)

    async def work(tx: Tx) -> Done:
        return await _put(visit, tx, place, fields)

    try:
        return await visit.act(work)
    except Refusal as refusal:
        return await _show(visit, refusal)


async def _put(visit: Visit, tx: Tx, place: Location, fields: Fields) -> Done:
    code = fields.text("code", required=True, most=100)
    bin_code = fields.text("bin", most=MAX_BIN)
    sku = await lists.sku_of(tx, code) if code else None
    if sku is None:
        fields.refuse("code", N_("The catalogue does not know the code %(code)s."), code=code)
    fields.done()
    assert sku is not None, "it is refused otherwise"
    await fulfilment.put_bins(tx, place.id, {sku: bin_code})
    await visit.record(tx, "fulfilment.bin", lists.Sites.text(place.id), {"sku": sku, "bin": bin_code})
    words = N_("%(sku)s lies in %(bin)s.") if bin_code else N_("%(sku)s has no bin any more.")
    return Done(BINS, visit.say(words, sku=sku, bin=bin_code))
