"""How changes of orders are spoken of: their kinds, states and reasons, and each action in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, assert_never

from comptoir.i18n import N_
from comptoir.kernel.ids import to_text
from comptoir.kernel.money import Currency
from comptoir.modules.carriers.contracts import Service
from comptoir.modules.changes.contracts import (
    CHANGE_PREFIX,
    AddCharge,
    AddItem,
    Allow,
    AnyAction,
    CancelUnits,
    Change,
    ChangeAddress,
    ChangeId,
    ChangeKind,
    ChangePickup,
    ChangeService,
    ChangeState,
    TakeBack,
)
from comptoir.modules.channels.contracts import ChannelKind
from comptoir.modules.orders.contracts import Order, OrderLine
from comptoir.runtime.database import Reader
from comptoir.sdk.orders import LineKind
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.pages.naming import Places
from comptoir.surfaces.console.web import Done, Visit

KIND_WORDS: Mapping[ChangeKind, str] = {
    ChangeKind.EDIT: N_("Change of the order"),
    ChangeKind.CANCEL: N_("Cancellation"),
    ChangeKind.RETURN: N_("Return over the counter"),
    ChangeKind.EXCHANGE: N_("Exchange"),
    ChangeKind.CLAIM: N_("Claim"),
    ChangeKind.ADJUSTMENT: N_("Change of the price"),
}
KIND_ICONS: Mapping[ChangeKind, str] = {
    ChangeKind.EDIT: "edit",
    ChangeKind.CANCEL: "ban",
    ChangeKind.RETURN: "truck-return",
    ChangeKind.EXCHANGE: "arrows-exchange",
    ChangeKind.CLAIM: "heart-handshake",
    ChangeKind.ADJUSTMENT: "percentage",
}
MENU_WORDS: Mapping[ChangeKind, str] = {
    ChangeKind.EDIT: N_("Change products or delivery"),
    ChangeKind.CANCEL: N_("Cancel"),
    ChangeKind.EXCHANGE: N_("Exchange"),
    ChangeKind.CLAIM: N_("Claim"),
    ChangeKind.ADJUSTMENT: N_("Change the price"),
}
"""What can be asked for on the page of an order."""
STATE_WORDS: Mapping[ChangeState, tuple[str, str, str]] = {
    ChangeState.REQUESTED: (N_("Asked for"), "active", "circle-dot"),
    ChangeState.APPROVED: (N_("Approved"), "active", "circle-check"),
    ChangeState.DECLINED: (N_("Declined"), "bad", "circle-x"),
    ChangeState.CONFIRMED: (N_("Done"), "good", "circle-check"),
    ChangeState.CANCELLED: (N_("Given up"), "neutral", "ban"),
}
REASON_WORDS: Mapping[str, str] = {
    "customer": N_("The customer asked"),
    "stock": N_("It cannot be found"),
    "payment": N_("It was not paid"),
    "fraud": N_("Suspected fraud"),
    "error": N_("Typed by mistake"),
    "damaged": N_("Arrived damaged"),
    "lost": N_("Lost on the way"),
    "wrong": N_("Something else was in the box"),
    "defective": N_("Does not work"),
    "late": N_("Came too late"),
    "price": N_("Cheaper elsewhere, or since"),
    "goodwill": N_("Goodwill"),
    "size": N_("Another size fits"),
    "mind": N_("Another one is wanted"),
    "other": N_("Another reason"),
    "return": N_("A return"),
    "undeliverable": N_("It could not be delivered"),
    "not_collected": N_("Nobody collected it"),
}
"""By the codes that changes are kept with; what a channel or a program gives as its reason is shown as it is."""
CHARGE_WORDS: Mapping[str, str] = {
    "Return fee": N_("Return fee"),
    "Deduction": N_("Deduction"),
    "Cancellation fee": N_("Cancellation fee"),
    "Exchange fee": N_("Exchange fee"),
    "Shipping": N_("Shipping"),
    "Fee": N_("Fee"),
    "Gift wrap": N_("Gift wrap"),
}
"""Lines that Comptoir itself adds to orders: they are kept under their English names."""


async def is_marketplace(visit: Visit, reader: Reader, order: Order) -> bool:
    """Whether the marketplace that sold it gives the money back by its own rules."""
    found = next((one for one in await visit.console.channels(reader) if one.code == order.channel_code), None)
    return found is not None and found.kind is ChannelKind.MARKETPLACE


def change_href(change_id: ChangeId) -> str:
    return f"/orders/changes/{to_text(CHANGE_PREFIX, change_id)}"


def waiting(visit: Visit, change: Change) -> Done | None:
    """What to say of a change that waits for third parties; None where it does not."""
    if change.waits_since is None or change.ended_at is not None:
        return None
    words = visit.say(N_("A third party has been asked to stop. It is done as soon as they have."))
    return Done(change_href(change.id), words, tone="warn")


def reason_words(visit: Visit, reason: str) -> str:
    return visit.say(REASON_WORDS[reason]) if reason in REASON_WORDS else reason


def line_name(visit: Visit, line: OrderLine) -> str:
    """What a line is called on screen."""
    if line.kind == LineKind.ITEM:
        return line.name or line.sku or ""
    return visit.say(CHARGE_WORDS[line.name]) if line.name in CHARGE_WORDS else line.name or visit.say(N_("Charge"))


class Badge(NamedTuple):
    """A state in a word, to be shown."""

    word: str
    tone: str
    icon: str


def badge_of(visit: Visit, change: Change) -> Badge:
    if change.state is ChangeState.REQUESTED and change.needs_approval:
        return Badge(visit.say(N_("Waits for approval")), "warn", "hourglass")
    word, tone, icon = STATE_WORDS[change.state]
    return Badge(visit.say(word), tone, icon)


class Sentences(NamedTuple):
    """What actions are told with: the order's lines, products and places by name."""

    visit: Visit
    order: Order
    products: Mapping[str, str]
    places: Places

    @property
    def currency(self) -> Currency:
        return self.order.currency

    def money(self, amount: int) -> str:
        return formatting.money(amount, self.currency, self.visit.page.locale)

    def line(self, line_no: int) -> str:
        found = next((line for line in self.order.lines if line.line_no == line_no), None)
        return line_name(self.visit, found) if found is not None else str(line_no)

    def product(self, sku: str) -> str:
        return self.products.get(sku) or sku

    def units(self, quantity: int) -> str:
        return formatting.number(quantity, self.visit.page.locale)

    def action(self, action: AnyAction) -> str:  # noqa: PLR0911 - a table, read from the top
        say = self.visit.say
        match action:
            case AddItem(sku=sku, quantity=quantity, unit_price=price):
                words = say(N_("%(units)s × %(product)s on top"), units=self.units(quantity), product=self.product(sku))
                return words if price is None else f"{words}, {self._each(price)}"
            case AddCharge(name=name):
                return visit_charge(self.visit, name)
            case CancelUnits(line_no=line_no, quantity=quantity):
                return say(N_("%(units)s × %(product)s cancelled"), units=self.units(quantity), product=self.line(line_no))
            case ChangeAddress(address=address):
                town = " ".join(part for part in (address.postcode, address.city) if part)
                where = ", ".join(part for part in (address.name, address.line1, town, address.country) if part)
                return say(N_("Sent to %(address)s"), address=where)
            case ChangeService(service=service):
                return say(N_("Sent by express")) if service is Service.EXPRESS else say(N_("Sent as standard"))
            case ChangePickup(location_id=None):
                return say(N_("Sent instead of collected"))
            case ChangePickup(location_id=location_id):
                return say(N_("Collected at %(place)s"), place=self.places[location_id])
            case TakeBack(line_no=line_no, quantity=quantity, location_id=location_id):
                return say(
                    N_("%(units)s × %(product)s comes back at %(place)s"),
                    units=self.units(quantity), product=self.line(line_no), place=self.places[location_id],
                )  # fmt: skip
            case Allow(line_no=None):
                return say(N_("Off the price of the order"))
            case Allow(line_no=int(line_no), units=None):
                return say(N_("Off the price of %(product)s"), product=self.line(line_no))
            case Allow(line_no=line_no, units=units):
                return say(
                    N_("Given back for %(units)s × %(product)s, which the buyer keeps"),
                    units=self.units(units or 0), product=self.line(line_no or 0),
                )  # fmt: skip
            case _:
                assert_never(action)

    def _each(self, price: int) -> str:
        if price == 0:
            return self.visit.say(N_("for nothing"))
        return self.visit.say(N_("at %(price)s each"), price=self.money(price))


def visit_charge(visit: Visit, name: str) -> str:
    return visit.say(CHARGE_WORDS[name]) if name in CHARGE_WORDS else name
