"""The papers of a store as PDF: pick list, packing slip, label, return slip, customs paper, pickup notice, manifest."""

from __future__ import annotations

from comptoir import i18n
from comptoir.i18n import N_
from comptoir.kernel.errors import Fault, NotFound
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import WAVE_PREFIX, Fulfilment, Parcel, WaveId
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.staff.contracts import Permission
from comptoir.modules.tracking import api as tracking
from comptoir.runtime.database import Reader
from comptoir.surfaces import customs, papers, sending
from comptoir.surfaces.console.pages import store_desk, store_sheets
from comptoir.surfaces.console.pages.naming import channels_of
from comptoir.surfaces.console.pages.store_sheets import Case
from comptoir.surfaces.console.web import Answer, Area, Visit
from comptoir.surfaces.documents import api as documents
from comptoir.surfaces.documents.contracts import CustomsForm, Document, Paper, PickList
from comptoir.surfaces.documents.errors import DocumentsUnavailable

area = Area("store")

_SERVICES = {"standard": N_("Standard"), "express": N_("Express"), "pickup": N_("To the store")}


@area.get("/store/papers/manifest.pdf", Permission.ORDERS_READ)
async def manifest(visit: Visit) -> Answer:
    async with visit.read() as reader:
        place = await store_desk.here(visit, reader)
        if place is None:
            return store_desk.choose_first(visit)
        paper = await store_sheets.manifest(reader, place, visit.param("carrier")[:64], visit.page.now)
    return await _printed(visit, f"{visit.say(N_('manifest'))}-{paper.number}", paper, _own_locale(visit))


@area.get("/store/papers/waves/{wave_id:str}/pick-list.pdf", Permission.ORDERS_READ)
async def wave_list(visit: Visit) -> Answer:
    wave_id = WaveId(visit.path_id("wave_id", WAVE_PREFIX))
    async with visit.read() as reader:
        wave = await fulfilment.wave(reader, wave_id)
        found = await fulfilment.members(reader, wave_id)
        paper = await _pick_list(visit, reader, found, store_sheets.wave_number(wave), wave.location_id)
    return await _printed(visit, paper.number, paper, _own_locale(visit))


@area.get("/store/papers/{fulfilment_id:str}/{kind:str}", Permission.ORDERS_READ)
async def one_paper(visit: Visit) -> Answer:
    """Pick lists are in the reader's language, what the buyer gets in the buyer's."""
    kind = visit.path("kind").removesuffix(".pdf")
    async with visit.read() as reader:
        one = await fulfilment.get(reader, store_desk.id_of(visit))
        if kind == "pick-list":
            paper: Document = await _pick_list(visit, reader, [one], f"F{one.number}", one.location_id)
            locale = _own_locale(visit)
        elif kind == "customs":
            paper, locale = await _customs(visit, reader, one), _own_locale(visit)
        else:
            channels = await channels_of(visit, reader)
            case = await store_sheets.case_of(reader, one, channels[one.channel_code].name)
            locale = case.locale
            paper = _buyers(visit, case, kind, locale)
    return await _printed(visit, f"F{one.number}-{kind}", paper, locale)


async def _pick_list(visit: Visit, reader: Reader, found: list[Fulfilment], number: str, location_id: LocationId) -> PickList:
    place = await locations.get(reader, location_id)
    paper = Paper.RECEIPT if visit.param("paper") == "receipt" else Paper.A4
    picker = visit.page.user.name if visit.page.user else ""
    return await store_sheets.pick_list(reader, found, place, number=number, paper=paper, picker=picker, now=visit.page.now)


async def _customs(visit: Visit, reader: Reader, one: Fulfilment) -> Document:
    """CN 22 or CN 23, by the value; `form` in the address says which all the same."""
    wanted = visit.param("parcel", "1")
    found = next((box for box in await fulfilment.parcels(reader, [one.id]) if str(box.number) == wanted), None)
    if found is None or not found.lines:
        raise NotFound(kind="parcel", id=wanted[:20])
    described = await sending.described(reader, one, found, found.weight or 1)
    label = (await tracking.labels.standing(reader, [found.id])).get(found.id)
    number = found.tracking_number or (label.tracking_number if label else "")
    place = await locations.get(reader, one.location_id)
    return customs.declaration(
        described.shipment,
        tracking_number=number,
        on=visit.page.now.astimezone(store_sheets.zone_of(place)).date(),
        signed_by=visit.page.user.name if visit.page.user else "",
        form={form.value: form for form in CustomsForm}.get(visit.param("form")),
    )


def _buyers(visit: Visit, case: Case, kind: str, locale: str) -> Document:
    match kind:
        case "slip":
            return store_sheets.packing_slip(case, _parcel(visit, case))
        case "label":
            parcel = _parcel(visit, case)
            if parcel is None:
                raise NotFound(kind="parcel", id=visit.param("parcel")[:20])
            service = i18n.gettext(i18n.language(locale), _SERVICES[case.one.service])
            tracking, carrier = visit.param("tracking").strip()[:80], visit.param("carrier").strip()[:64]
            return store_sheets.label(case, parcel, tracking, carrier, service, visit.page.now)
        case "return":
            return store_sheets.return_slip(case, papers.reasons(locale))
        case "notice":
            return store_sheets.pickup_notice(case, store_desk.pickup_code(visit.console.keyring, case.one))
        case _:
            raise NotFound(kind="paper", id=kind[:40])


def _parcel(visit: Visit, case: Case) -> Parcel | None:
    """The box that the address names by its number; the only one there is."""
    wanted = visit.param("parcel")
    found = next((one for one in case.parcels if str(one.number) == wanted), None)
    return case.parcels[0] if found is None and not wanted and len(case.parcels) == 1 else found


def _own_locale(visit: Visit) -> str:
    return "fr_FR" if visit.page.language == "fr" else "en_GB"


async def _printed(visit: Visit, name: str, paper: Document, locale: str) -> Answer:
    """The PDF; where it cannot be made, a page that says why and what to do."""
    try:
        content = await documents.render(paper, locale)
    except Fault as fault:
        missing = isinstance(fault, DocumentsUnavailable)
        return visit.respond("store/no_paper.html", status=503, missing=missing, again=visit.page.url)
    return visit.pdf(name, content)
