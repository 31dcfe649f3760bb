"""Handing over: what waits for which carrier, scanned label by label, with its manifest, and the driver who is called."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from comptoir.i18n import N_
from comptoir.kernel.errors import Fault, NotFound, Refusal
from comptoir.kernel.ids import from_text, to_text
from comptoir.modules.carriers import api as carriers
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import (
    FULFILMENT_PREFIX,
    PARCEL_PREFIX,
    Fulfilment,
    FulfilmentId,
    Parcel,
    ParcelId,
    Stage,
)
from comptoir.modules.fulfilment.errors import BoxRecalled, NotInThatState, NotPicked
from comptoir.modules.locations.contracts import Location
from comptoir.modules.orders.contracts import Tracking
from comptoir.modules.staff.contracts import Permission
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import (
    ACCOUNT_PREFIX,
    MANIFEST_PREFIX,
    PICKUP_PREFIX,
    Account,
    AccountId,
    Driver,
    DriverWanted,
    HandedManifest,
    LabelState,
    ManifestId,
    PickupId,
    PickupStanding,
    PurchasedLabel,
)
from comptoir.runtime.database import Reader, Tx
from comptoir.sdk.carriers import Capability
from comptoir.surfaces import handing
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.forms import Fields, FormRefused
from comptoir.surfaces.console.pages import lists, store_desk, store_next, store_recalled, store_sheets
from comptoir.surfaces.console.pages.carrier_words import problem_words
from comptoir.surfaces.console.pages.store_desk import Task
from comptoir.surfaces.console.pages.store_pack import Box, boxes_of, tracking_of
from comptoir.surfaces.console.pages.store_pick import is_scan
from comptoir.surfaces.console.pages.store_recalled import Recalled
from comptoir.surfaces.console.pages.store_sheets import zone_of
from comptoir.surfaces.console.web import Answer, Area, Done, Visit
from comptoir.surfaces.sending import carried

area = Area("store")

_STATES: Mapping[PickupStanding, tuple[str, str, str]] = {
    PickupStanding.ASKED: (N_("not called yet"), "warn", "clock"),
    PickupStanding.SCHEDULED: (N_("comes"), "good", "circle-check"),
    PickupStanding.UNKNOWN: (N_("in doubt"), "warn", "alert-circle"),
    PickupStanding.REFUSED: (N_("does not come"), "bad", "circle-x"),
    PickupStanding.CANCELLED: (N_("cancelled"), "neutral", "x"),
}
_DAYS_AHEAD = 14


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A packed order that waits for its carrier."""

    task: Task
    boxes: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class Stayed:
    """An order that was ticked and has not left: why, and what is to be done, in words."""

    name: str
    why: str
    todo: str
    href: str


@dataclass(frozen=True, slots=True)
class Group:
    """What waits for one carrier. The accounts are those with whom its labels were bought."""

    carrier: str
    rows: tuple[Outgoing, ...]
    manifests: bool
    """A carrier's own manifest can be made of its labels."""

    @property
    def boxes(self) -> int:
        return sum(len(row.boxes) for row in self.rows)

    @property
    def bare(self) -> bool:
        """Some have no label of a carrier's."""
        return any(not box.tag.bought for row in self.rows for box in row.boxes)

    @property
    def marked(self) -> int:
        return sum(box.parcel.marked_at is not None for row in self.rows for box in row.boxes)


@dataclass(frozen=True, slots=True)
class Coming:
    """A driver who was asked for, in words."""

    id: str
    account: str
    words: str
    state: str
    tone: str
    icon: str
    problem: str
    may_cancel: bool
    may_ask: bool


@dataclass(slots=True)
class _Here:
    """What waits at a location."""

    place: Location
    works: dict[FulfilmentId, Fulfilment]
    tasks: dict[FulfilmentId, Task]
    parcels: list[Parcel]
    labels: dict[ParcelId, PurchasedLabel]
    boxes: dict[ParcelId, Box]

    def carrier(self, parcel: Parcel) -> str:
        label = self.labels.get(parcel.id)
        return label.carrier if label is not None and label.carrier else self.works[parcel.fulfilment_id].carrier


async def _waiting(visit: Visit, reader: Reader) -> _Here | None:
    place = await store_desk.here(visit, reader)
    if place is None:
        return None
    found = await fulfilment.urgent(reader, place.id, [Stage.TO_HAND_OVER], visit.principal.actor, visit.page.now)
    tasks = await store_desk.tasks(visit, reader, found)
    all_boxes = await fulfilment.parcels(reader, [one.id for one in found]) if found else []
    here = [one for one in all_boxes if one.shipment_id is None and not one.recalled]
    standing = await tracking.labels.standing(reader, [one.id for one in here]) if here else {}
    labels = {ParcelId(key): one for key, one in standing.items() if one.state is LabelState.BOUGHT}
    return _Here(
        place,
        {one.id: one for one in found},
        {task.one.id: task for task in tasks},
        here,
        labels,
        await boxes_of(visit, reader, here),
    )


@area.get("/store/out", Permission.ORDERS_READ)
async def out_list(visit: Visit) -> Answer:
    return await _out(visit)


async def _out(
    visit: Visit,
    refused: str = "",
    status: int = 409,
    *,
    stop: Recalled | None = None,
    said: Done | None = None,
    left: int = 0,
    stayed: Sequence[Stayed] = (),
) -> Answer:
    """`left` boxes have just gone, and those that `stayed` say why; `said` is what a scan was, for a script."""
    async with visit.read() as reader:
        here = await _waiting(visit, reader)
        if here is None:
            return store_desk.choose_first(visit)
        recalled = store_recalled.rows_of(*await store_recalled.boxes_at(reader, here.place.id))
        services = await carriers.everything(reader)
        today = await store_sheets.carriers_today(reader, here.place, visit.page.now)
        accounts = {one.id: one for one in await tracking.accounts.everything(reader)}
        zone = zone_of(here.place)
        midnight = visit.page.now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        made = await tracking.manifests.since(reader, here.place.id, midnight)
        drivers = await tracking.drivers.of_location(reader, here.place.id, visit.page.now - timedelta(hours=2))
        upcoming = None if here.parcels else await store_next.after(visit, reader, here.place.id)
    groups = _groups(visit, here, accounts)
    known = {service.code for service in services if service.active}
    fields = visit.fields() if visit.given is not None else None
    answer = visit.respond(
        "store/_out.html" if is_scan(visit) else "store/out.html",
        status=status if refused or stop or stayed else 200,
        place=lists.label(here.place),
        stop=store_recalled.stop_words(visit, stop) if stop else None,
        stop_href=stop.href if stop else "",
        recalled=recalled,
        groups=groups,
        waiting=sum(group.boxes for group in groups),
        marked=sum(group.marked for group in groups),
        today=today,
        made=[_made(visit, one, accounts, zone) for one in made],
        drivers=[_coming(visit, one, accounts, zone) for one in drivers],
        callable=_callable(visit, here, accounts),
        first_day=midnight.date().isoformat(),
        last_day=(midnight + timedelta(days=_DAYS_AHEAD)).date().isoformat(),
        carriers=sorted(known | {group.carrier for group in groups if group.carrier}),
        typed=fields.values if fields else {},
        chosen=set(fields.all("box")) if fields and fields.raw("ticked") else None,
        refused=refused,
        said=said,
        gone=visit.says("%(num)s box has left.", "%(num)s boxes have left.", left) if left else "",
        stayed=stayed,
        upcoming=upcoming,
        may_act=visit.may(Permission.FULFIL),
    )
    return store_desk.with_camera(answer)


def _groups(visit: Visit, here: _Here, accounts: Mapping[AccountId, Account]) -> list[Group]:
    rows: dict[str, dict[FulfilmentId, list[Box]]] = defaultdict(lambda: defaultdict(list))
    order = {key: n for n, key in enumerate(here.works)}
    manifests: set[str] = set()
    for parcel in sorted(here.parcels, key=lambda one: (order[one.fulfilment_id], one.number)):
        carrier = here.carrier(parcel)
        rows[carrier][parcel.fulfilment_id].append(here.boxes[parcel.id])
        label = here.labels.get(parcel.id)
        if label is not None and not label.manifest_ref and _can(visit, accounts, label.account_id, Capability.MANIFEST):
            manifests.add(carrier)
    return [
        Group(
            carrier,
            tuple([Outgoing(here.tasks[key], tuple(boxes)) for key, boxes in own.items()]),
            carrier in manifests,
        )
        for carrier, own in sorted(rows.items())
    ]


def _can(visit: Visit, accounts: Mapping[AccountId, Account], account_id: AccountId, capability: Capability) -> bool:
    account = accounts.get(account_id)
    kind = visit.console.services.carriage.kinds.get(account.connector) if account else None
    return kind is not None and capability in kind.info.capabilities


def _callable(visit: Visit, here: _Here, accounts: Mapping[AccountId, Account]) -> list[tuple[str, str]]:
    """Accounts whose carriers come for parcels, and that have some here."""
    counted: dict[AccountId, int] = defaultdict(int)
    for label in here.labels.values():
        if _can(visit, accounts, label.account_id, Capability.PICKUP):
            counted[label.account_id] += 1
    return [
        (
            to_text(ACCOUNT_PREFIX, key),
            f"{accounts[key].name} ({visit.says('%(num)s box', '%(num)s boxes', count)})",
        )
        for key, count in sorted(counted.items(), key=lambda pair: accounts[pair[0]].name)
    ]


def _made(visit: Visit, one: HandedManifest, accounts: Mapping[AccountId, Account], zone: ZoneInfo) -> tuple[str, str, bool]:
    name = accounts[one.account_id].name if one.account_id in accounts else ""
    at = formatting.clock(one.created_at, visit.page.locale, zone)
    words = visit.says("%(num)s box", "%(num)s boxes", len(one.label_ids))
    return f"/store/out/manifests/{to_text(MANIFEST_PREFIX, one.id)}.pdf", f"{name} · {at} · {words}", bool(one.url)


def _coming(visit: Visit, one: Driver, accounts: Mapping[AccountId, Account], zone: ZoneInfo) -> Coming:
    locale = visit.page.locale
    word, tone, icon = _STATES[one.state]
    hours = (
        f"{formatting.day(one.from_at.astimezone(zone).date(), locale, zone)}, "
        f"{formatting.clock(one.from_at, locale, zone)} – {formatting.clock(one.until_at, locale, zone)}"
    )
    parts = (hours, visit.says("%(num)s box", "%(num)s boxes", len(one.label_ids)), one.confirmation)
    return Coming(
        to_text(PICKUP_PREFIX, one.id),
        accounts[one.account_id].name if one.account_id in accounts else "",
        " · ".join(part for part in parts if part),
        visit.say(word),
        tone,
        icon,
        one.problem if one.state in {PickupStanding.REFUSED, PickupStanding.UNKNOWN} else "",
        one.state is PickupStanding.SCHEDULED and _can(visit, accounts, one.account_id, Capability.CANCEL_PICKUP),
        one.state in {PickupStanding.ASKED, PickupStanding.UNKNOWN},
    )


# Scanning


@area.post("/store/out/scan", Permission.FULFIL)
async def scan(visit: Visit) -> Answer:
    """Reads the label of a parcel and marks its box; what is marked already is marked still."""
    code = visit.fields().text("code", most=200)
    async with visit.read() as reader:
        here = await _waiting(visit, reader)
        stop = await store_recalled.scanned(reader, here.place.id, code) if here and code else None
    if here is None:
        return store_desk.choose_first(visit)
    if stop is not None:
        return await _out(visit, stop=stop)
    found = handing.read(code, here.parcels, here.works, here.labels) if code else []
    if not found:
        words = visit.say(N_("No box here has this label: %(code)s"), code=code[:80])
        return await _out(visit, words, 404)

    async def work(tx: Tx) -> Done:
        await fulfilment.mark(tx, found)
        names = [here.boxes[key] for key in found]
        first = here.works[names[0].parcel.fulfilment_id]
        number = f"F{first.number}-{names[0].parcel.number}" if len(names) == 1 else f"F{first.number}"
        return Done("/store/out", visit.say(N_("Goes along: %(number)s, %(name)s"), number=number, name=first.recipient))

    done = await visit.once(work)
    return await _out(visit, said=done) if is_scan(visit) else visit.finish(done)


@area.post("/store/out/unmark", Permission.FULFIL)
async def unmark(visit: Visit) -> Answer:
    """Nothing has been read: begins anew."""
    async with visit.read() as reader:
        here = await _waiting(visit, reader)
    if here is None:
        return store_desk.choose_first(visit)

    async def work(tx: Tx) -> Done:
        await fulfilment.mark(tx, [one.id for one in here.parcels], marked=False)
        return Done("/store/out", visit.say(N_("No box is marked any more.")))

    return await visit.act(work)


# Handing over


@area.post("/store/out", Permission.FULFIL)
async def hand_over_several(visit: Visit) -> Answer:
    fields = visit.fields()
    here = await _chosen(visit, fields)
    chosen: dict[FulfilmentId, set[ParcelId]] = defaultdict(set)
    for one in here:
        chosen[one.fulfilment_id].add(one.id)
    if not chosen:
        return await _out(visit, visit.say(N_("Tick what the carrier takes along.")))

    left = 0
    stayed: list[Stayed] = []
    for one_id in sorted(chosen):
        try:
            typed = tracking_of(fields, [one for one in here if one.id in chosen[one_id]])
            fields.done()
            left += await _handed_over(visit, one_id, chosen[one_id], typed)
        except FormRefused as refusal:
            return await _out(visit, problem_words(visit, refusal), left=left)
        except Refusal as refusal:
            stayed.append(await _stayed(visit, one_id, refusal))
    if stayed:
        return await _out(visit, left=left, stayed=stayed)
    return visit.finish(Done("/store/out", visit.says("%(num)s box has left.", "%(num)s boxes have left.", left)))


async def _handed_over(visit: Visit, one_id: FulfilmentId, chosen: set[ParcelId], typed: Mapping[ParcelId, Tracking]) -> int:
    """How many boxes have left. Each order leaves by itself: one that may not keeps none of the others here."""

    async def work(tx: Tx) -> Done:
        there = await fulfilment.parcels(tx, [one_id])
        own = {one.id: typed[one.id] for one in there if one.id in chosen and one.shipment_id is None and one.id in typed}
        if not own:
            return Done("/store/out", "", detail="0")  # somebody else has handed it over a moment ago
        leaving = await carried(tx, one_id, own, labels_needed=False)
        after, shipments = await fulfilment.hand_over(tx, one_id, leaving)
        await visit.record(tx, "fulfilment.hand_over", store_desk.text_of(one_id), {"number": after.number})
        return Done("/store/out", "", detail=str(len(shipments)))

    return int((await visit.once(work, f":{one_id.hex}")).detail)


_TODO: Mapping[type[Refusal], str] = {
    BoxRecalled: N_("Take it off the van, open it and take out what was cancelled."),
    NotPicked: N_("Keep it here until all of it is packed."),
    NotInThatState: N_("Take it off the van: it is not to be sent any more."),
}


async def _stayed(visit: Visit, one_id: FulfilmentId, refusal: Refusal) -> Stayed:
    async with visit.read() as reader:
        one = await fulfilment.get(reader, one_id)
    todo = next(
        (words for kind, words in _TODO.items() if isinstance(refusal, kind)), N_("Take it off the van and look at it.")
    )
    name = f"F{one.number} {one.recipient}".strip()
    return Stayed(name, problem_words(visit, refusal), visit.say(todo), f"/store/pack/{store_desk.text_of(one_id)}")


async def _chosen(visit: Visit, fields: Fields) -> list[Parcel]:
    """The boxes that are ticked; a fulfilment order that is ticked means all of its boxes."""
    parcel_ids = [ParcelId(key) for key in _ids(fields, "box", PARCEL_PREFIX)]
    whole = [FulfilmentId(key) for key in _ids(fields, "chosen", FULFILMENT_PREFIX)]
    async with visit.read() as reader:
        boxes = await fulfilment.some_parcels(reader, parcel_ids) if parcel_ids else []
        boxes += await fulfilment.parcels(reader, whole) if whole else []
    return boxes


def _ids(fields: Fields, name: str, prefix: str) -> list[UUID]:
    found: list[UUID] = []
    for text in fields.all(name):
        try:
            found.append(from_text(prefix, text))
        except ValueError:
            fields.refuse(name, N_("Choose one."))
    return found


# Manifests of carriers


@area.post("/store/out/manifest", Permission.FULFIL)
async def make_manifest(visit: Visit) -> Answer:
    """Has the carrier make its manifest of all its labels here that are on none."""
    carrier = visit.fields().text("carrier", most=64)
    async with visit.read() as reader:
        here = await _waiting(visit, reader)
    if here is None:
        return store_desk.choose_first(visit)
    own = {one.id for one in here.parcels if here.carrier(one) == carrier}
    labels = [one for key, one in here.labels.items() if key in own and not one.manifest_ref]
    if not labels:
        return await _out(visit, visit.say(N_("Every label of this carrier is on a manifest already.")))
    try:
        made = await visit.console.services.parcels.manifest(
            [one.id for one in labels], visit.context, location_id=here.place.id
        )
    except (Refusal, Fault) as problem:
        if problem.code in {"database_unavailable", "contended"}:
            raise
        hint = visit.say(N_("You can print our own manifest once the boxes have left."))
        return await _out(visit, f"{problem_words(visit, problem)} {hint}")
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
        here = await _waiting(visit, reader)
    if here is None:
        return store_desk.choose_first(visit)
    zone = zone_of(here.place)
    from_at, until_at = _hours(fields, zone, visit.page.now)
    instructions = fields.text("instructions", most=500)
    labels = [one for one in here.labels.values() if one.account_id == account_id]
    if not labels:
        fields.refuse("account", N_("Choose one."))
    if fields.errors:
        return await _out(visit, " ".join(dict.fromkeys(fields.errors.values())), 422)
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
        return await _out(visit, problem_words(visit, first))
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
        return await _out(visit, problem_words(visit, problem))
    return visit.finish(Done("/store/out", words))
