"""What waits for which carrier, as it is shown: boxes by carrier, manifests that are made, and drivers who come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from comptoir.i18n import N_
from comptoir.kernel.ids import to_text
from comptoir.modules.carriers import api as carriers
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import (
    Fulfilment,
    FulfilmentId,
    Parcel,
    ParcelId,
    Stage,
)
from comptoir.modules.locations.contracts import Location
from comptoir.modules.staff.contracts import Permission
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.contracts import (
    ACCOUNT_PREFIX,
    MANIFEST_PREFIX,
    PICKUP_PREFIX,
    Account,
    AccountId,
    Driver,
    HandedManifest,
    LabelState,
    PickupStanding,
    PurchasedLabel,
)
from comptoir.runtime.database import Reader
from comptoir.sdk.carriers import Capability
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.pages import lists, store_desk, store_next, store_recalled, store_sheets
from comptoir.surfaces.console.pages.store_desk import Task
from comptoir.surfaces.console.pages.store_pack import Box, boxes_of
from comptoir.surfaces.console.pages.store_pick import is_scan
from comptoir.surfaces.console.pages.store_recalled import Recalled
from comptoir.surfaces.console.pages.store_sheets import zone_of
from comptoir.surfaces.console.web import Answer, Done, Visit

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
class Here:
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


async def waiting(visit: Visit, reader: Reader) -> Here | None:
    place = await store_desk.here(visit, reader)
    if place is None:
        return None
    found = await fulfilment.urgent(reader, place.id, [Stage.TO_HAND_OVER], visit.principal.actor, visit.page.now)
    tasks = await store_desk.tasks(visit, reader, found)
    all_boxes = await fulfilment.parcels(reader, [one.id for one in found]) if found else []
    here = [one for one in all_boxes if one.shipment_id is None and not one.recalled]
    standing = await tracking.labels.standing(reader, [one.id for one in here]) if here else {}
    labels = {ParcelId(key): one for key, one in standing.items() if one.state is LabelState.BOUGHT}
    return Here(
        place,
        {one.id: one for one in found},
        {task.one.id: task for task in tasks},
        here,
        labels,
        await boxes_of(visit, reader, here),
    )


async def show(
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
        here = await waiting(visit, reader)
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


def _groups(visit: Visit, here: Here, accounts: Mapping[AccountId, Account]) -> list[Group]:
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


def _callable(visit: Visit, here: Here, accounts: Mapping[AccountId, Account]) -> list[tuple[str, str]]:
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
