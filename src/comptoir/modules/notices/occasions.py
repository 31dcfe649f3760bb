"""Of which events buyers are told, and of which not: who stands there, or is told by a channel, knows already.

What one transaction does to an order is told in one notice: of an order that is cancelled and refunded at once, the
cancellation says how much is paid back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from comptoir.modules.notices.contracts import NoticeKind
from comptoir.modules.orders.contracts import OrderId
from comptoir.runtime.events import Recorded

Beside = Sequence[tuple[str, Mapping[str, object]]]
"""What the same transaction did to the same order beside: (type, data) of its events, that one included."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """An event that somebody is told of."""

    kind: NoticeKind
    order_id: OrderId
    about: str
    event: Recorded
    beside: Beside = ()
    code: str = field(default="", repr=False)
    """Of new store credit, where whoever has made it tells of it at once: it is in no event."""


_Found = tuple[NoticeKind, str] | None


def _placed(event: Recorded) -> _Found:
    """A channel that reports an order has confirmed it itself."""
    return None if event.data.get("fact") else (NoticeKind.CONFIRMED, str(event.data["order_id"]))


def _shipped(event: Recorded) -> _Found:
    """What is taken at a counter has no carrier, and its buyer stands there."""
    sent = event.data.get("carrier") or event.data.get("tracking_number")
    return (NoticeKind.SHIPPED, str(event.data["shipment_id"])) if sent else None


_MOVED: Mapping[str, NoticeKind] = {
    "out_for_delivery": NoticeKind.OUT_FOR_DELIVERY,
    "available_for_pickup": NoticeKind.READY,
    "lost": NoticeKind.LOST,
    "damaged": NoticeKind.DAMAGED,
    "returning": NoticeKind.RETURNING,
}


def _moved(event: Recorded) -> _Found:
    kind = _MOVED.get(str(event.data["status"]))
    return None if kind is None else (kind, str(event.data["tracked_id"]))


def _stowed(event: Recorded) -> _Found:
    """What goes into a locker at once is ready in it; what was ready on the counter is told again, with the locker."""
    about = f"{event.data['fulfilment_id']}:{event.data['locker_id']}:{event.tx}"
    return (NoticeKind.READY, about) if event.data.get("moved") else None


def _reminded(event: Recorded) -> _Found:
    return NoticeKind.REMINDER, f"{event.data['fulfilment_id']}:{event.data['reminder']}"


def _given_back(event: Recorded) -> _Found:
    """Whoever refuses something at the counter stands there."""
    in_time = event.data.get("reason") != "not_collected"
    return None if in_time else (NoticeKind.GIVEN_BACK, str(event.data["fulfilment_id"]))


def _sent_back(event: Recorded) -> _Found:
    """Whoever has taken it at the desk knows."""
    sent = event.data.get("goods") == "sent"
    return (NoticeKind.RETURN_GIVEN_BACK, f"{event.data['return_case_id']}:{event.tx}") if sent else None


TOLD: Mapping[str, Callable[[Recorded], _Found]] = {
    "order.placed": _placed,
    "order.shipped": _shipped,
    "fulfilment.ready": lambda event: (NoticeKind.READY, f"{event.data['fulfilment_id']}:{event.tx}"),
    "fulfilment.stowed": _stowed,
    "fulfilment.reminded": _reminded,
    "fulfilment.given_back": _given_back,
    "parcel.moved": _moved,
    "parcel.failed": lambda event: (NoticeKind.FAILED, f"{event.data['tracked_id']}:{event.data['attempts']}"),
    "parcel.reminded": lambda event: (NoticeKind.FAILED, f"{event.data['tracked_id']}:{event.data['attempts']}:again"),
    "parcel.delivered": lambda event: (NoticeKind.DELIVERED, str(event.data["tracked_id"])),
    "parcel.delayed": lambda event: (NoticeKind.DELAYED, f"{event.data['tracked_id']}:{event.data['estimated_on']}"),
    "order.substituted": lambda event: (NoticeKind.SUBSTITUTED, str(event.data["substitution_id"])),
    "return.declined": lambda event: (NoticeKind.RETURN_DECLINED, f"{event.data['return_case_id']}:{event.tx}"),
    "return.given_back": _sent_back,
    "return.papers_sent": lambda event: (NoticeKind.RETURN, f"{event.data['return_case_id']}:{event.tx}"),
}


# What is told by all that a transaction did

_UNTOLD = frozenset({"channel", "substituted", "exchange", "declined", "not_collected", "refused", "recalled"})
"""Why units are cancelled of which the buyer hears otherwise, or knows."""
_AT_THE_DESK = frozenset({"cash", "card_terminal"})
"""Money that is put into somebody's hand, or onto the card in it."""
_CREDIT = "store_credit"


def _has(beside: Beside, type_: str, **values: str) -> bool:
    return any(one == type_ and all(data.get(name) == value for name, value in values.items()) for one, data in beside)


def _cancelled(event: Recorded, beside: Beside) -> NoticeKind | None:
    """Units that a change takes out are told with the change."""
    gone = any(data.get("units") for type_, data in beside if type_ == "order.cancelled" and data["reason"] not in _UNTOLD)
    changed = _has(beside, "change.moved", state="confirmed")
    return NoticeKind.CANCELLED if gone and not changed and event.data["reason"] not in _UNTOLD else None


_CHANGES: Mapping[str, NoticeKind] = {
    "edit": NoticeKind.CHANGED,
    "cancel": NoticeKind.CANCELLED,
    "exchange": NoticeKind.CHANGED,
    "claim": NoticeKind.CHANGED,
}


def _changed(event: Recorded, beside: Beside) -> NoticeKind | None:
    """What is taken off a price is told as the money that comes back for it."""
    del beside
    return _CHANGES.get(str(event.data["kind"])) if event.data["state"] == "confirmed" else None


def _received(event: Recorded, beside: Beside) -> NoticeKind | None:
    """What is received and closed at once was handed over at a desk, or taken back by its channel."""
    at_once = _has(beside, "return.moved", step="close")
    return None if event.data["step"] != "receive" or at_once else NoticeKind.RETURN_RECEIVED


def _granted(event: Recorded, beside: Beside) -> NoticeKind | None:
    """Money that is announced by what it is for, or has gone already, is not announced once more."""
    paid = _has(beside, "order.paid", kind="refunded")
    told = any(
        kind is not None and kind is not NoticeKind.REFUND_GRANTED for kind in _kinds(event, beside, without="refund.granted")
    )
    other = _has(beside, "fulfilment.given_back", reason="not_collected") or _has(beside, "order.substituted")
    return None if paid or told or other else NoticeKind.REFUND_GRANTED


def _kinds(event: Recorded, beside: Beside, *, without: str) -> Iterable[NoticeKind | None]:
    for type_, data in beside:
        if type_ in TOGETHER and type_ not in {without, "order.paid"}:
            one = Recorded(event.tx, 0, event.id, type_, event.at, event.actor, "", event.subject, dict(data))
            yield TOGETHER[type_](one, beside)


def _paid(event: Recorded, beside: Beside) -> NoticeKind | None:
    del beside
    if event.data["kind"] != "refunded" or event.data["method"] in _AT_THE_DESK:
        return None
    return NoticeKind.CREDITED if event.data["method"] == _CREDIT else NoticeKind.REFUNDED


TOGETHER: Mapping[str, Callable[[Recorded, Beside], NoticeKind | None]] = {
    "order.cancelled": _cancelled,
    "change.moved": _changed,
    "return.moved": _received,
    "refund.granted": _granted,
    "order.paid": _paid,
}
BESIDE = (*TOGETHER, "refund.withdrawn", "fulfilment.given_back", "order.substituted", "order.returned")
"""What is looked at beside such an event."""


def together(order_id: UUID, tx: int) -> str:
    """What a notice of all that a transaction did to an order is about."""
    return f"{order_id}:{tx}"


def occasion(event: Recorded, beside: Mapping[tuple[int, UUID], Beside]) -> Occasion | None:
    """None where nobody is told."""
    text = event.data.get("order_id")
    if text is None:
        return None  # a return of what was never sold here
    order_id = OrderId(UUID(str(text)))
    if event.type in TOLD:
        found = TOLD[event.type](event)
        return None if found is None else Occasion(found[0], order_id, found[1], event)
    own = beside.get((event.tx, order_id), ((event.type, event.data),))
    kind = TOGETHER[event.type](event, own)
    return None if kind is None else Occasion(kind, order_id, together(order_id, event.tx), event, own)


def refund_of(one: Occasion) -> int:
    """What goes back to the buyer by what happened: by this method, where it has gone; else what was promised on balance."""
    paid = [data for type_, data in one.beside if type_ == "order.paid" and data["kind"] == "refunded"]
    if one.kind in {NoticeKind.REFUNDED, NoticeKind.CREDITED}:
        credit = one.kind is NoticeKind.CREDITED
        return sum(
            int(str(data["amount"]))
            for data in paid
            if data["method"] not in _AT_THE_DESK and (data["method"] == _CREDIT) is credit
        )
    more = sum(int(str(data["amount"])) for type_, data in one.beside if type_ == "refund.granted")
    less = sum(int(str(data["amount"])) for type_, data in one.beside if type_ == "refund.withdrawn")
    return max(0, more - less)


def methods_of(one: Occasion) -> str:
    """By which ways money has gone back, in the order in which it went."""
    methods = [
        str(data["method"])
        for type_, data in one.beside
        if type_ == "order.paid" and data["kind"] == "refunded" and data["method"] not in _AT_THE_DESK
    ]
    return ", ".join(dict.fromkeys(method for method in methods if method != _CREDIT))


def units_gone(one: Occasion) -> dict[int, int]:
    """By line, what was cancelled."""
    found: dict[int, int] = {}
    for type_, data in one.beside:
        if type_ == "order.cancelled":
            for line in _lines(data):
                found[int(str(line["line_no"]))] = found.get(int(str(line["line_no"])), 0) + int(str(line["quantity"]))
    return found


def _lines(data: Mapping[str, object]) -> list[Mapping[str, object]]:
    lines = data.get("lines")
    return [line for line in lines if isinstance(line, Mapping)] if isinstance(lines, list) else []  # pyright: ignore[reportUnknownVariableType]


def whole(one: Occasion) -> bool:
    """Nothing of the order is left."""
    return any(type_ == "order.cancelled" and bool(data.get("whole")) for type_, data in one.beside)
