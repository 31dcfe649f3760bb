"""What a notice says of what comes after the sale: cancelled, changed, paid back, lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from comptoir.i18n import N_
from comptoir.modules.notices.contracts import NoticeKind
from comptoir.surfaces.console import formatting
from comptoir.surfaces.notices.speaking import Reader, Words

_WHY: Mapping[str, str] = {
    "stock": N_("We are sorry: something in it is no longer to be had."),
    "missing": N_("We are sorry: something in it has got lost before we could hand it over."),
    "damaged": N_("We are sorry: something in it was damaged before we could hand it over."),
    "payment": N_("It was not paid in time."),
    "customer": N_("You asked us to."),
}
"""What a buyer is told of why; other reasons are ours."""
METHODS: Mapping[str, str] = {
    "card": N_("to your card"),
    "bank_transfer": N_("by bank transfer"),
    "gift_card": N_("to your gift card"),
}


def amount_of(r: Reader) -> str:
    return formatting.money(r.content.refund or 0, r.content.currency, r.locale)


def _back(r: Reader) -> tuple[str, ...]:
    """That money comes back, where it does."""
    if not r.content.refund:
        return ()
    return (r.say(N_("We pay you back %(amount)s. We write to you as soon as it has gone."), amount=amount_of(r)),)


def _cancelled(r: Reader) -> Words:
    n = r.content.number
    why = (r.say(_WHY[r.content.reason]),) if r.content.reason in _WHY else ()
    if r.content.whole:
        return Words(
            subject=r.say(N_("Your order %(number)s is cancelled"), number=n),
            title=r.say(N_("Your order is cancelled")),
            lead=r.say(N_("We have cancelled your order %(number)s: nothing of it comes any more."), number=n),
            more=(*why, *_back(r)),
            action=r.say(N_("See your order")),
            short=r.say(N_("Your order %(number)s is cancelled"), number=n),
        )
    return Words(
        subject=r.say(N_("A part of your order %(number)s is cancelled"), number=n),
        title=r.say(N_("A part of your order is cancelled")),
        lead=r.say(N_("We have taken this out of your order %(number)s. The rest stays as it is."), number=n),
        more=(*why, *_back(r)),
        action=r.say(N_("See your order")),
        short=r.say(N_("A part of your order %(number)s is cancelled"), number=n),
    )


def _changed(r: Reader) -> Words:
    n = r.content.number
    expected = (r.say(N_("We expect it on %(day)s."), day=r.day),) if r.day else ()
    return Words(
        subject=r.say(N_("Your order %(number)s is changed"), number=n),
        title=r.say(N_("Your order is changed")),
        lead=r.say(N_("We have changed your order %(number)s. Its page shows it as it is now."), number=n),
        more=(*_back(r), *expected, r.say(N_("You did not want this? Just answer this message."))),
        action=r.say(N_("See your order")),
        short=r.say(N_("Your order %(number)s is changed"), number=n),
    )


def _refund_granted(r: Reader) -> Words:
    n, amount = r.content.number, amount_of(r)
    return Words(
        subject=r.say(N_("You get %(amount)s back (order %(number)s)"), amount=amount, number=n),
        title=r.say(N_("You get money back")),
        lead=r.say(N_("We pay you back %(amount)s of your order %(number)s."), amount=amount, number=n),
        more=(r.say(N_("We write to you as soon as it has gone.")),),
        action=r.say(N_("See your order")),
        short=r.say(N_("You get %(amount)s back (order %(number)s)"), amount=amount, number=n),
    )


def _refunded(r: Reader) -> Words:
    n, amount = r.content.number, amount_of(r)
    ways = ", ".join(r.say(METHODS[one]) if one in METHODS else one for one in r.content.method.split(", ") if one)
    lead = r.say(N_("We have paid you back %(amount)s of your order %(number)s."), amount=amount, number=n)
    how = r.say(N_("It went %(how)s."), how=ways) if ways else ""
    days = r.say(N_("Your bank may take a few days until you see it.")) if "gift_card" not in r.content.method else ""
    return Words(
        subject=r.say(N_("%(amount)s paid back (order %(number)s)"), amount=amount, number=n),
        title=r.say(N_("Your money is on its way")),
        lead=lead,
        more=tuple([one for one in (how, days) if one]),
        action=r.say(N_("See your order")),
        short=r.say(N_("%(amount)s paid back (order %(number)s)"), amount=amount, number=n),
    )


def _credited(r: Reader) -> Words:
    n, amount, code = r.content.number, amount_of(r), r.content.credit_code
    said = (
        r.say(N_("Give this code when you pay, online or at the till. Keep it as you keep money: we cannot show it again."))
        if code
        else r.say(N_("It is on the store credit that you have already."))
    )
    return Words(
        subject=r.say(N_("%(amount)s of store credit (order %(number)s)"), amount=amount, number=n),
        title=r.say(N_("Your store credit")),
        lead=r.say(N_("You have %(amount)s of store credit for your order %(number)s."), amount=amount, number=n),
        more=(said,),
        action=r.say(N_("See your order")),
        short=r.say(N_("%(amount)s of store credit (order %(number)s)"), amount=amount, number=n),
    )


def _return_received(r: Reader) -> Words:
    n = r.content.number
    looks = r.say(N_("We look at it, and write to you when your money goes back."))
    return Words(
        subject=r.say(N_("Your return has arrived (order %(number)s)"), number=n),
        title=r.say(N_("Your return is here")),
        lead=r.say(N_("What you have sent back of your order %(number)s has arrived."), number=n),
        more=_back(r) or (looks,),
        action=r.say(N_("See your return")),
        short=r.say(N_("Your return has arrived (order %(number)s)"), number=n),
    )


def _lost(r: Reader) -> Words:
    n = r.content.number
    return Words(
        subject=r.say(N_("Your parcel is lost (order %(number)s)"), number=n),
        title=r.say(N_("Your parcel is lost")),
        lead=r.say(N_("We are sorry: the carrier has lost your parcel of order %(number)s."), number=n),
        more=(r.say(N_("You need not do anything: we send it again or pay you back, and write to you.")),),
        action=r.say(N_("See your order")),
        short=r.say(N_("Your parcel is lost (order %(number)s)"), number=n),
    )


def _damaged(r: Reader) -> Words:
    n = r.content.number
    return Words(
        subject=r.say(N_("Your parcel was damaged (order %(number)s)"), number=n),
        title=r.say(N_("Your parcel was damaged")),
        lead=r.say(N_("We are sorry: your parcel of order %(number)s was damaged on the way."), number=n),
        more=(r.say(N_("You need not do anything: we send it again or pay you back, and write to you.")),),
        action=r.say(N_("See your order")),
        short=r.say(N_("Your parcel was damaged (order %(number)s)"), number=n),
    )


def _returning(r: Reader) -> Words:
    n = r.content.number
    return Words(
        subject=r.say(N_("Your parcel is on its way back to us (order %(number)s)"), number=n),
        title=r.say(N_("Your parcel comes back to us")),
        lead=r.say(N_("The carrier could not hand over your parcel of order %(number)s, and brings it back to us."), number=n),
        more=(r.say(N_("As soon as it is here we write to you. You want it sent again? Just answer this message.")),),
        action=r.say(N_("See your order")),
        short=r.say(N_("Your parcel is on its way back to us (order %(number)s)"), number=n),
    )


AFTER: Mapping[NoticeKind, Callable[[Reader], Words]] = {
    NoticeKind.CANCELLED: _cancelled,
    NoticeKind.CHANGED: _changed,
    NoticeKind.REFUND_GRANTED: _refund_granted,
    NoticeKind.REFUNDED: _refunded,
    NoticeKind.CREDITED: _credited,
    NoticeKind.RETURN_RECEIVED: _return_received,
    NoticeKind.LOST: _lost,
    NoticeKind.DAMAGED: _damaged,
    NoticeKind.RETURNING: _returning,
}
