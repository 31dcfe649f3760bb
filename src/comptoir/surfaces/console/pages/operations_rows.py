"""Open work in words: what each piece waits for, who has it, how long it has, and what is best done next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from comptoir.i18n import N_
from comptoir.modules.fulfilment.contracts import Fulfilment, HoldReason, Method, Stage, State
from comptoir.modules.orders.contracts import OrderId, WaitingOrder
from comptoir.modules.staff.contracts import Permission
from comptoir.modules.tracking.contracts import InTrouble, Tracked, TrackingStatus, TroubleKind
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.pages import store_desk
from comptoir.surfaces.console.pages.lists import Goods, Sites
from comptoir.surfaces.console.pages.naming import Channels, People, Tag
from comptoir.surfaces.console.pages.operations_standings import AT_LOCATIONS, TROUBLE_WORDS
from comptoir.surfaces.console.pages.orders import order_href
from comptoir.surfaces.console.pages.parcel_words import TRACKING_WORDS
from comptoir.surfaces.console.pages.parcels import parcel_href
from comptoir.surfaces.console.pages.store_desk import Due
from comptoir.surfaces.console.pages.work_words import HOLD_WORDS
from comptoir.surfaces.console.web import Visit

FEW_SKUS = 2
NO_DUE = Due("", "neutral", "")


@dataclass(frozen=True, slots=True)
class Row:
    """One piece of open work. `ends` is when its time is over; None where nobody said."""

    number: int | None
    href: str
    who_for: str
    task: str
    task_href: str
    channel: Tag
    place: str
    worker: str
    waits: str
    icon: str
    due: Due
    ends: datetime | None
    since: datetime
    step: str
    step_href: str
    id: str = ""
    """Of a task that can be held, let go on or moved here; empty for all else."""


@dataclass(frozen=True, slots=True)
class Names:
    """What everything on the page is called."""

    channels: Channels
    sites: Sites
    people: People
    goods: Goods


# Fulfilment orders


def of_work(visit: Visit, one: Fulfilment, names: Names) -> Row:
    waits, icon = work_waits(visit, one, names.people)
    if one.arrives_on is not None and one.promised_on is not None and one.arrives_on > one.promised_on:
        waits = f"{waits} · {_after(visit, one.arrives_on, one.promised_on)}"
    step, step_href = _work_step(visit, one)
    return Row(
        number=one.order_number,
        href=order_href(one.order_id),
        who_for=one.recipient,
        task=f"F{one.number}",
        task_href=store_desk.page_of(one),
        channel=names.channels[one.channel_code],
        place=names.sites[one.location_id],
        worker=names.people[one.assignee] if one.assignee else "",
        waits=waits,
        icon=icon,
        due=_work_due(visit, one),
        ends=min((at for at in (one.leaves_by, _day_end(visit, one.promised_on)) if at is not None), default=None),
        since=one.placed_at,
        step=step,
        step_href=step_href,
        id=store_desk.text_of(one.id) if one.method is not Method.HAND_OUT else "",
    )


def work_waits(visit: Visit, one: Fulfilment, people: People) -> tuple[str, str]:  # noqa: PLR0911 - a table, read from the top
    """What it waits for, with an icon."""
    if one.state is State.SCHEDULED:
        return _scheduled(visit, one), "clock"
    if one.hold_reason is HoldReason.UNROUTABLE:
        return visit.say(N_("a location that may send it")), "alert-triangle"
    if one.hold_reason is not None:
        held = visit.say(N_("held: %(reason)s"), reason=visit.say(HOLD_WORDS[one.hold_reason]))
        return " · ".join(part for part in (held, one.hold_note) if part), "hand-stop"
    if one.state is State.INCOMPLETE:
        return visit.say(N_("somebody who goes on with it")), "hand-stop"
    match one.stage:
        case Stage.TO_PICK:
            return _picking(visit, one, people), "list-check"
        case Stage.TO_PACK if one.method is Method.COLLECT:
            return visit.say(N_("its place on the counter")), "package"
        case Stage.TO_PACK:
            return visit.say(N_("its box")), "package"
        case Stage.TO_HAND_OVER:
            carrier = one.carrier
            return (visit.say(N_("the driver of %(carrier)s"), carrier=carrier) if carrier else _driver(visit)), "truck"
        case Stage.TO_RECEIVE:
            return visit.say(N_("its arrival at the store")), "package-import"
        case Stage.READY:
            return visit.say(N_("the buyer")), "shopping-bag"
        case _:
            return "", "point"


def _driver(visit: Visit) -> str:
    return visit.say(N_("the driver"))


def _scheduled(visit: Visit, one: Fulfilment) -> str:
    if one.release_at is None:
        return visit.say(N_("its turn"))
    return visit.say(N_("the run at %(time)s"), time=formatting.hour(one.release_at, visit.page.locale, visit.page.zone))


def _picking(visit: Visit, one: Fulfilment, people: People) -> str:
    if one.assignee:
        picked = formatting.number(one.picked, visit.page.locale)
        whole = formatting.number(one.quantity, visit.page.locale)
        return visit.say(
            N_("%(name)s, who has picked %(picked)s of %(all)s"), name=people[one.assignee], picked=picked, all=whole
        )
    if one.answer_by is not None:
        until = formatting.hour(one.answer_by, visit.page.locale, visit.page.zone)
        return visit.say(N_("somebody who begins, until %(time)s"), time=until)
    return visit.say(N_("somebody who begins"))


def _work_due(visit: Visit, one: Fulfilment) -> Due:
    """Of when it has to leave and of the promised day, what is told of is what is missed, or else the sooner."""
    today = visit.page.now.astimezone(visit.page.zone).date()
    if one.promised_on is not None and one.stage in AT_LOCATIONS and (one.leaves_by is None or one.promised_on < today):
        return promised_due(visit, one.promised_on, today)
    return store_desk.due(visit, one)


_STEPS: Mapping[Stage, str] = {
    Stage.TO_PICK: N_("Pick"),
    Stage.TO_PACK: N_("Pack"),
    Stage.TO_HAND_OVER: N_("Hand over"),
    Stage.READY: N_("Hand out"),
}


def _work_step(visit: Visit, one: Fulfilment) -> tuple[str, str]:
    if one.hold_reason is HoldReason.UNROUTABLE:
        return visit.say(N_("See why")), f"{order_href(one.order_id)}/routing"
    if one.stage in _STEPS and visit.may(Permission.FULFIL):
        return visit.say(_STEPS[one.stage]), store_desk.page_of(one)
    return visit.say(N_("Look at the task")), store_desk.page_of(one)


# Parcels


def of_parcel(visit: Visit, one: Tracked, names: Names) -> Row:
    promised, expected = one.promised_on, one.estimated_on
    parts = [visit.say(TRACKING_WORDS[one.status])]
    if promised is not None and expected is not None and expected > promised:
        parts.append(_after(visit, expected, promised))
    return Row(
        number=one.order_number,
        href=order_href(one.order_id),
        who_for=_way(one),
        task=one.tracking_number,
        task_href=one.tracking_url if one.tracking_url.startswith(("https://", "http://")) else "",
        channel=names.channels[one.channel],
        place=names.sites[one.location_id],
        worker=one.carrier,
        waits=" · ".join(parts),
        icon="truck-delivery",
        due=_parcel_due(visit, one),
        ends=_day_end(visit, promised),
        since=one.shipped_at,
        step=visit.say(N_("Look at the parcel")),
        step_href=parcel_href(one.id),
    )


def _way(one: Tracked) -> str:
    return " ".join(part for part in (one.destination_country, one.destination_region.upper()) if part)


def _parcel_due(visit: Visit, one: Tracked) -> Due:
    if one.promised_on is None or one.status is TrackingStatus.AVAILABLE_FOR_PICKUP:
        return NO_DUE
    today = visit.page.now.astimezone(visit.page.zone).date()
    if one.estimated_on is not None and one.estimated_on > one.promised_on >= today:
        days = (one.estimated_on - one.promised_on).days
        return Due(visit.says("%(num)s day late", "%(num)s days late", days), "bad", "alert-triangle")
    return promised_due(visit, one.promised_on, today)


def of_trouble(visit: Visit, one: InTrouble, numbers: Mapping[OrderId, int], names: Names) -> Row:
    parcel = one.parcel
    told = [visit.say(TROUBLE_WORDS[one.kind])]
    if parcel is not None:
        told.append(visit.say(TRACKING_WORDS[parcel.status]))
    return Row(
        number=parcel.order_number if parcel is not None else numbers.get(one.order_id),
        href=order_href(one.order_id),
        who_for="" if parcel is None else _way(parcel),
        task="" if parcel is None else parcel.tracking_number,
        task_href="" if parcel is None or not parcel.tracking_url.startswith(("https://", "http://")) else parcel.tracking_url,
        channel=names.channels[parcel.channel] if parcel is not None else Tag("", ""),
        place="" if parcel is None else names.sites[parcel.location_id],
        worker="" if parcel is None else parcel.carrier,
        waits=" · ".join(told) if parcel is not None else f"{told[0]} · {one.reason}",
        icon="alert-triangle",
        due=NO_DUE if parcel is None else _parcel_due(visit, parcel),
        ends=None if parcel is None else _day_end(visit, parcel.promised_on),
        since=one.opened_at,
        step=visit.say(_trouble_step(one)),
        step_href=order_href(one.order_id) if parcel is None else parcel_href(parcel.id),
    )


def _trouble_step(one: InTrouble) -> str:
    if one.parcel is None:
        return N_("Look at the order")
    return N_("Receive it") if one.kind is TroubleKind.RETURNED else N_("Look at the parcel")


# Orders that wait for stock


def of_waiting(visit: Visit, one: WaitingOrder, names: Names) -> Row:
    shown = ", ".join(names.goods[sku] for sku in one.skus[:FEW_SKUS])
    more = f" +{len(one.skus) - FEW_SKUS}" if len(one.skus) > FEW_SKUS else ""
    today = visit.page.now.astimezone(visit.page.zone).date()
    may = visit.may(Permission.ORDERS_ACT)
    href = order_href(one.id)
    return Row(
        number=one.number,
        href=href,
        who_for=one.name,
        task="",
        task_href="",
        channel=names.channels[one.channel_code],
        place=names.sites[one.pickup_location_id] if one.pickup_location_id is not None else "",
        worker="",
        waits=visit.say(N_("stock of %(names)s"), names=f"{shown}{more}"),
        icon="hourglass",
        due=promised_due(visit, one.promised_on, today) if one.promised_on is not None else NO_DUE,
        ends=_day_end(visit, one.promised_on),
        since=one.placed_at,
        step=visit.say(N_("Find stock")) if may else visit.say(N_("Look at the order")),
        step_href=f"{href}/allocate" if may else href,
    )


# Promised days


def promised_due(visit: Visit, promised: date, today: date) -> Due:
    days = (promised - today).days
    if days < 0:
        return Due(visit.says("%(num)s day late", "%(num)s days late", -days), "bad", "alert-triangle")
    if not days:
        return Due(visit.say(N_("promised for today")), "warn", "clock")
    day = formatting.day(promised, visit.page.locale, visit.page.zone)
    return Due(visit.say(N_("promised for %(day)s"), day=day), "neutral", "clock")


def _after(visit: Visit, expected: date, promised: date) -> str:
    locale, zone = visit.page.locale, visit.page.zone
    return visit.say(
        N_("there on %(expected)s, promised for %(promised)s"),
        expected=formatting.day(expected, locale, zone),
        promised=formatting.day(promised, locale, zone),
    )


def _day_end(visit: Visit, day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day + timedelta(days=1), time(), visit.page.zone)
