"""What a buyer's form asks for, read and done: which order is theirs, what they send back, and what they want for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from comptoir.kernel.errors import NotFound
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import Extra, Reason, RefundMethod, ReturnCase, ReturnDraft, ReturnState, Units
from comptoir.modules.orders import api as orders
from comptoir.modules.orders.contracts import Order, OrderFilter, OrderId
from comptoir.runtime.database import Reader, Tx
from comptoir.surfaces.changing import SETTING
from comptoir.surfaces.public.returning_papers import home_of
from comptoir.surfaces.public.returning_views import Instead, Portal, instead, portal
from comptoir.surfaces.public.returning_words import Money, Way


@dataclass(frozen=True, slots=True)
class Asked:
    """What a buyer asks for, as the form says it."""

    units: tuple[Units, ...]
    way: Way
    money: Money
    wanted: Mapping[int, str]
    """By line number, the SKU that they want instead."""
    note: str


def _plain(text: str) -> str:
    return re.sub(r"[\s.-]", "", text).casefold()


async def owned(reader: Reader, number: str, proof: str) -> OrderId | None:
    """The order with this number or receipt, where the e-mail address or postcode is its buyer's."""
    text = number.removeprefix("#")
    if not text or not proof or not text.isprintable() or not proof.isprintable():
        return None
    for row in (await orders.find(reader, OrderFilter(search=text, kind="sale"), limit=5)).items:
        if text not in {str(row.number), row.external_id}:
            continue
        order = await orders.order(reader, row.id)
        email = str((order.buyer or {}).get("email") or "").strip().casefold()
        postcodes = {_plain(str((one or {}).get("postcode") or "")) for one in (order.ship_to, order.bill_to)} - {""}
        if (email and proof.casefold() == email) or _plain(proof) in postcodes:
            return order.id
    return None


def read(view: Portal, given: Mapping[str, str]) -> Asked:
    """What the form says; what is out of range is brought into it."""
    units: list[Units] = []
    wanted: dict[int, str] = {}
    for line in view.lines:
        no = line.line.line_no
        text = given.get(f"units-{no}", "0").strip()
        number = int(text) if text.isascii() and text.isdecimal() and len(text) < 8 else 0
        if number < 1 or line.open < 1:
            continue
        reason = given.get(f"reason-{no}", "")
        units.append(Units(no, number, Reason(reason) if reason in set(Reason) else Reason.CHANGED_MIND))
        if given.get(f"instead-{no}"):
            wanted[no] = given[f"instead-{no}"][:64]
    way, money = given.get("way", ""), given.get("money", "")
    return Asked(
        tuple(units),
        Way(way) if way in set(Way) else Way.LABEL,
        Money(money) if money in set(Money) else Money.REFUND,
        wanted,
        given.get("note", "").strip()[:500],
    )


async def options_of(reader: Reader, order: Order, asked: Asked) -> dict[int, list[Instead]]:
    """What each article can be exchanged for, where that is what the buyer wants."""
    if asked.money is not Money.EXCHANGE:
        return {}
    lines = {line.line_no: line for line in order.lines}
    return {one.line_no: await instead(reader, order, lines[one.line_no]) for one in asked.units}


def lacking(asked: Asked, options: Mapping[int, list[Instead]]) -> bool:
    """Whether they have not said yet what they want instead."""
    return asked.money is Money.EXCHANGE and not extras(asked, options)


def extras(asked: Asked, options: Mapping[int, list[Instead]]) -> tuple[Extra, ...]:
    found = [
        Extra(option.sku, one.quantity, option.extra.unit_price)
        for one in asked.units
        for option in options.get(one.line_no, ())
        if option.sku == asked.wanted.get(one.line_no)
    ]
    return tuple(found)


def draft(view: Portal, asked: Asked, options: Mapping[int, list[Instead]]) -> ReturnDraft:
    return ReturnDraft(
        order_id=view.order.id,
        units=asked.units,
        exchange=extras(asked, options),
        note=re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", asked.note),
        method=RefundMethod.STORE_CREDIT if asked.money is Money.CREDIT else None,
        label=asked.way is Way.LABEL,
    )


async def announce(tx: Tx, order_id: OrderId, given: Mapping[str, str]) -> ReturnCase:
    """Announces it, and has its papers sent where nobody has to decide first. Raises what `request_return` does."""
    view = await portal(tx, order_id, tx.now)
    if view.marketplace:
        raise NotFound(kind="order")
    wish = read(view, given)
    found = await options_of(tx, view.order, wish)
    place = None if wish.way is Way.STORE else (await home_of(tx, view.order)).id
    case = await changes.request_return(tx, replace(draft(view, wish, found), location_id=place), SETTING)
    if case.state is ReturnState.APPROVED:
        await changes.send_papers(tx, case.id)
    return case
