"""Manifests that carriers make, and drivers who are called for the boxes that wait."""

from __future__ import annotations

from datetime import datetime, time
from zoneinfo import ZoneInfo

from comptoir.i18n import N_
from comptoir.kernel.errors import Fault, NotFound, Refusal
from comptoir.kernel.ids import from_text
from comptoir.modules.staff.contracts import Permission
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import (
    ACCOUNT_PREFIX,
    MANIFEST_PREFIX,
    PICKUP_PREFIX,
    AccountId,
    DriverWanted,
    ManifestId,
    PickupId,
    PickupStanding,
)
from comptoir.surfaces import handing
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import store_desk, store_van
from comptoir.surfaces.console.pages.carrier_words import problem_words
from comptoir.surfaces.console.pages.store_sheets import zone_of
from comptoir.surfaces.console.web import Answer, Area, Done, Visit

area = Area("store")


# Manifests of carriers


@area.post("/store/out/manifest", Permission.FULFIL)
async def make_manifest(visit: Visit) -> Answer:
    """Has the carrier make its manifest of all its labels here that are on none."""
    carrier = visit.fields().text("carrier", most=64)
    async with visit.read() as reader:
        here = await store_van.waiting(visit, reader)
    if here is None:
        return store_desk.choose_first(visit)
    own = {one.id for one in here.parcels if here.carrier(one) == carrier}
    labels = [one for key, one in here.labels.items() if key in own and not one.manifest_ref]
    if not labels:
        return await store_van.show(visit, visit.say(N_("Every label of this carrier is on a manifest already.")))
    try:
        made = await visit.console.services.parcels.manifest(
            [one.id for one in labels], visit.context, location_id=here.place.id
        )
    except (Refusal, Fault) as problem:
        if problem.code in {"database_unavailable", "contended"}:
            raise
        hint = visit.say(N_("You can print our own manifest once the boxes have left."))
        return await store_van.show(visit, f"{problem_words(visit, problem)} {hint}")
    words = visit.says("The carrier has made %(num)s manifest.", "The carrier has made %(num)s manifests.", len(made))
    return visit.finish(Done("/store/out", words))


@area.get("/store/out/manifests/{name:str}", Permission.ORDERS_READ)
async def manifest_paper(visit: Visit) -> Answer:
    text = visit.path("name").removesuffix(".pdf")
    try:
        manifest_id = ManifestId(from_text(MANIFEST_PREFIX, text))
    except ValueError as problem:
        raise NotFound(kind="manifest", id=text[:40]) from problem
    try:
        content = await visit.console.services.parcels.manifest_document(manifest_id)
    except Fault as fault:
        words = visit.say(N_("The carrier does not give out this manifest just now."))
        return visit.respond(
            "store/no_label.html", status=503, words=words, problem=problem_words(visit, fault), again=visit.page.url
        )
    return visit.pdf(f"{visit.say(N_('manifest'))}-{text[-6:]}", content)


# Drivers


@area.post("/store/out/driver", Permission.FULFIL)
async def call_driver(visit: Visit) -> Answer:
    """Asks a carrier to come for all of an account's boxes that are here."""
    fields = visit.fields()
    account_id = AccountId(fields.id("account", ACCOUNT_PREFIX))
    async with visit.read() as reader:
        here = await store_van.waiting(visit, reader)
    if here is None:
        return store_desk.choose_first(visit)
    zone = zone_of(here.place)
    from_at, until_at = _hours(fields, zone, visit.page.now)
    instructions = fields.text("instructions", most=500)
    labels = [one for one in here.labels.values() if one.account_id == account_id]
    if not labels:
        fields.refuse("account", N_("Choose one."))
    if fields.errors:
        return await store_van.show(visit, " ".join(dict.fromkeys(fields.errors.values())), 422)
    wanted = DriverWanted(
        account_id=account_id,
        location_id=here.place.id,
        label_ids=tuple([one.id for one in labels]),
        from_at=from_at,
        until_at=until_at,
        weight=1,
        instructions=instructions,
    )
    weights = {label.id: here.boxes[key].parcel.weight for key, label in here.labels.items()}
    services = visit.console.services
    called = await handing.call_drivers(services.parcels, services.carriage, wanted, labels, weights, visit.context)
    if called.problems:
        first = called.problems[0][1]
        if first.code in {"database_unavailable", "contended"}:
            raise first
        return await store_van.show(visit, problem_words(visit, first))
    words = visit.says("A driver comes for %(num)s box.", "A driver comes for %(num)s boxes.", len(labels))
    return visit.finish(Done("/store/out", words))


def _hours(fields: Fields, zone: ZoneInfo, now: datetime) -> tuple[datetime, datetime]:
    """By the clock that hangs there."""
    texts = (fields.raw("day"), fields.raw("from"), fields.raw("until"))
    try:
        day = datetime.strptime(texts[0], "%Y-%m-%d").date()  # noqa: DTZ007 - the zone is the location's
        begin, end = (datetime.combine(day, time.fromisoformat(text), zone) for text in texts[1:])
    except ValueError:
        fields.refuse("day", N_("Say on which day the driver is to come, from when and until when."))
        return now, now
    if not begin < end or end <= now:
        fields.refuse("until", N_("The driver's hours end after they begin, and not before now."))
    return begin, end


@area.post("/store/out/driver/{pickup_id:str}/{step:str}", Permission.FULFIL)
async def driver_step(visit: Visit) -> Answer:
    """Tells a driver not to come, or asks again one of whom nobody knows."""
    pickup_id, step = PickupId(visit.path_id("pickup_id", PICKUP_PREFIX)), visit.path("step")
    desk = visit.console.services.parcels
    async with visit.read() as reader:
        row = await tracking.drivers.get(reader, pickup_id)
    try:
        if step == "cancel":
            await desk.send_driver_away(pickup_id, visit.context)
            words = visit.say(N_("The driver does not come."))
        elif step == "ask":
            after = await desk.call_driver(row, visit.context)
            words = visit.say(N_("The driver comes.") if after.state is PickupStanding.SCHEDULED else N_("Nobody knows yet."))
        else:
            raise NotFound(kind="page", id=step[:40])
    except (Refusal, Fault) as problem:
        if isinstance(problem, NotFound) or problem.code in {"database_unavailable", "contended"}:
            raise
        return await store_van.show(visit, problem_words(visit, problem))
    return visit.finish(Done("/store/out", words))
