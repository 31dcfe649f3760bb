"""What a change comes to, in words: its money, its units, the work that it calls back, and who has to approve it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from comptoir.i18n import N_
from comptoir.modules.catalogue import api as catalogue
from comptoir.modules.changes.contracts import (
    AddItem,
    AnyAction,
    ChangePickup,
    Effect,
    Preview,
    Recall,
    StockEffect,
    TakeBack,
)
from comptoir.modules.inventory.contracts import Disposition
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.orders.contracts import Order
from comptoir.modules.payments import api as payments
from comptoir.modules.payments.contracts import Entry
from comptoir.runtime.database import Reader
from comptoir.surfaces.changing import SETTING
from comptoir.surfaces.console.pages.change_words import Sentences
from comptoir.surfaces.console.pages.naming import channels_of, people_of, places_of
from comptoir.surfaces.console.pages.order_money import parts_words
from comptoir.surfaces.console.web import Visit


class Said(NamedTuple):
    """One thing that a change does, in a sentence."""

    icon: str
    tone: str
    words: str
    detail: str = ""


class Row(NamedTuple):
    """An action in words, and by how much the order is worth more or less with it; empty where it is not."""

    words: str
    amount: str


class Shown(NamedTuple):
    """A preview as a page shows it. `seen` is what it is recognised by."""

    rows: Sequence[Row]
    before: str
    after: str
    money: Sequence[Said]
    stock: Sequence[Said]
    recalls: Sequence[Said]
    needs_approval: bool
    approval: str
    approvers: Sequence[str]
    may_self: bool
    """Whether whoever looks at it may approve it, though they have asked for it: nobody else could."""
    granted: int
    seen: str


def digest(preview: Preview) -> str:
    """The same for two previews that come to the same."""
    return hashlib.sha256(repr(preview).encode()).hexdigest()[:32]


async def sentences_of(
    visit: Visit, reader: Reader, order: Order, actions: Iterable[AnyAction], preview: Preview | None
) -> Sentences:
    """The names of all that the actions and their effects speak of."""
    known = list(actions)
    effects = preview.effects if preview is not None else ()
    skus = {action.sku for action in known if isinstance(action, AddItem)} | {one.sku for e in effects for one in e.stock}
    sellable = await catalogue.sellable(reader, sorted(skus)) if skus else {}
    spots: list[LocationId | None] = [a.location_id for a in known if isinstance(a, (TakeBack, ChangePickup))]
    spots += [one.location_id for effect in effects for one in effect.stock]
    spots += [one.location_id for one in preview.recalls] if preview is not None else []
    places = await places_of(reader, spots)
    return Sentences(visit, order, {sku: one.name for sku, one in sellable.items()}, places)


async def shown(
    visit: Visit,
    reader: Reader,
    order: Order,
    preview: Preview,
    entries: Sequence[Entry],
    *,
    requested_by: str,
) -> Shown:
    s = await sentences_of(visit, reader, order, [effect.action for effect in preview.effects], preview)
    approvers = list(await SETTING.approvers_of(reader)) if preview.needs_approval else []
    others = [one for one in approvers if one != requested_by]
    people = await people_of(visit, reader, others, await channels_of(visit, reader)) if others else None
    return Shown(
        rows=[Row(s.action(effect.action), _signed(s, effect.value)) for effect in preview.effects],
        before=s.money(preview.before.value),
        after=s.money(preview.after.value),
        money=_money(s, preview, entries),
        stock=[one for effect in preview.effects for one in _stock(s, effect)],
        recalls=[_recall(s, one) for one in preview.recalls],
        needs_approval=preview.needs_approval,
        approval=_approval(s, preview),
        approvers=[people[one] for one in others] if people is not None else [],
        may_self=not others and requested_by in approvers,
        granted=preview.after.granted if preview.granted > 0 else 0,
        seen=digest(preview),
    )


def _signed(s: Sentences, amount: int) -> str:
    return "" if not amount else f"+{s.money(amount)}" if amount > 0 else s.money(amount)


def _approval(s: Sentences, preview: Preview) -> str:
    say = s.visit.say
    if preview.against:
        return say(N_("The return policies do not take this back any more, or never did: somebody has to approve it."))
    if preview.approval_above is None:
        return say(N_("Somebody has to approve this."))
    if preview.given_before:
        words = N_(
            "%(given)s is given back or away, after %(before)s that nobody approved: more than %(limit)s on one order "
            "needs somebody's approval."
        )
        limit = s.money(preview.approval_above)
        return say(words, given=s.money(preview.given), before=s.money(preview.given_before), limit=limit)
    return say(
        N_("%(given)s is given back or away: more than %(limit)s needs somebody's approval."),
        given=s.money(preview.given), limit=s.money(preview.approval_above),
    )  # fmt: skip


def _money(s: Sentences, preview: Preview, entries: Sequence[Entry]) -> list[Said]:
    say, after = s.visit.say, preview.after
    found: list[Said] = []
    if preview.granted > 0:
        how = parts_words(s.visit, payments.as_paid(entries, after.granted), s.currency)
        detail = say(N_("As it was paid: %(parts)s"), parts=how) if how else ""
        found.append(
            Said(
                "receipt-refund", "warn", say(N_("%(amount)s more is to be refunded"), amount=s.money(preview.granted)), detail
            )
        )
    elif preview.granted < 0:
        words = say(N_("%(amount)s less is to be refunded"), amount=s.money(-preview.granted))
        found.append(Said("receipt-refund", "neutral", words))
    if after.owed_by_buyer:
        words = say(N_("The buyer has to pay %(amount)s"), amount=s.money(after.owed_by_buyer))
        before = preview.before.owed_by_buyer
        detail = (
            say(N_("It was %(amount)s before."), amount=s.money(before)) if before and before != after.owed_by_buyer else ""
        )
        found.append(Said("cash", "warn" if after.owed_by_buyer > before else "neutral", words, detail))
    return found or [Said("circle-check", "good", say(N_("Nothing is owed, either way.")))]


def _stock(s: Sentences, effect: Effect) -> list[Said]:
    return [said for one in effect.stock for said in _units(s, effect.action, one)]


def _units(s: Sentences, action: AnyAction, one: StockEffect) -> list[Said]:
    say, what = s.visit.say, s.product(one.sku)
    found: list[Said] = []
    if one.location_id is not None and one.reserved:
        text = N_("%(units)s × %(product)s reserved at %(place)s")
        if one.reserved < 0:
            text = N_("%(units)s × %(product)s given back at %(place)s: can be sold again")
        words = say(text, units=s.units(abs(one.reserved)), product=what, place=s.places[one.location_id])
        found.append(Said("lock" if one.reserved > 0 else "lock-open", "neutral", words))
    if one.waiting > 0:
        words = say(N_("%(units)s × %(product)s has to wait for stock"), units=s.units(one.waiting), product=what)
        found.append(Said("hourglass", "warn", words))
    elif one.waiting < 0:
        words = say(N_("%(units)s × %(product)s does not wait for stock any more"), units=s.units(-one.waiting), product=what)
        found.append(Said("hourglass", "neutral", words))
    if one.returned > 0 and isinstance(action, TakeBack):
        text = {
            Disposition.RESTOCK: N_("%(units)s × %(product)s on hand again at %(place)s"),
            Disposition.QUALITY: N_("%(units)s × %(product)s waits to be inspected at %(place)s"),
            Disposition.DAMAGED: N_("%(units)s × %(product)s counts as damaged at %(place)s"),
        }[action.disposition]
        words = say(text, units=s.units(one.returned), product=what, place=s.places[action.location_id])
        found.append(Said("truck-return", "neutral", words))
    return found


def _recall(s: Sentences, one: Recall) -> Said:
    say = s.visit.say
    words = say(
        N_("F%(number)s at %(place)s is called back: units to put back: %(units)s"),
        number=one.number, place=s.places[one.location_id], units=s.units(one.picked),
    )  # fmt: skip
    detail = say(N_("Some of it is packed: the parcel has to be opened, or kept back.")) if one.packed else ""
    return Said("hand-stop", "warn", words, detail)
