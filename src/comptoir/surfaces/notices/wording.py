"""What a notice says, in the buyer's language."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from comptoir.i18n import N_
from comptoir.modules.notices.contracts import NoticeKind
from comptoir.surfaces.console import formatting
from comptoir.surfaces.notices.speaking import Reader, Words
from comptoir.surfaces.notices.wording_after import AFTER

__all__ = ["REASONS", "Reader", "Words", "facts", "greeting", "words"]


REASONS: Mapping[str, str] = {
    "absent": N_("nobody was there to take it"),
    "address": N_("the address could not be found, or is not complete"),
    "refused": N_("it was not accepted"),
    "payment": N_("what was due at the door was not paid"),
    "closed": N_("the place was closed"),
    "access": N_("the driver could not get to the door"),
    "carrier": N_("the carrier could not make it that day"),
    "other": N_("the carrier does not say why"),
}


_ANSWER = N_("Tell us until %(until)s: another day, another address, a pickup point, or back to us.")


def words(kind: NoticeKind, reader: Reader) -> Words:
    return _WORDS[kind](reader)


def greeting(reader: Reader) -> str:
    return reader.say(N_("Hello %(name)s,"), name=reader.content.name) if reader.content.name else ""


def facts(reader: Reader) -> list[tuple[str, str]]:
    """The lines of the table: what somebody looks for again."""
    content = reader.content
    rows = [(reader.say(N_("Order")), str(content.number))]
    rows += [(_units(reader, n, units), name) for n, (name, units) in enumerate(content.lines)]
    if content.total is not None:
        rows.append((reader.say(N_("Total")), formatting.money(content.total, content.currency, reader.locale)))
    if content.place:
        rows.append((reader.say(N_("Where")), content.place))
    rows += _at_the_counter(reader)
    if content.tracking_number:
        rows.append((reader.say(N_("Tracking number")), content.tracking_number))
    return rows


def _units(reader: Reader, line: int, units: int) -> str:
    if line in reader.content.weighed:
        return f"{formatting.weighed(units, reader.locale)}\N{NO-BREAK SPACE}kg"
    return f"{units} ×"


def _at_the_counter(reader: Reader) -> list[tuple[str, str]]:
    content = reader.content
    rows: list[tuple[str, str]] = []
    if content.locker:
        rows += [(reader.say(N_("Locker")), content.locker), (reader.say(N_("Code of the locker")), content.locker_code)]
    elif content.code:
        rows.append((reader.say(N_("Pickup code")), content.code))
    if reader.open_today:
        rows.append((reader.say(N_("Open today")), reader.open_today))
    if content.waits_until is not None:
        rows.append((reader.say(N_("Waits until")), reader.last_day))
    if content.credit_code:
        rows.append((reader.say(N_("Code of your store credit")), content.credit_code))
    if content.refund:
        amount = formatting.money(content.refund, content.currency, reader.locale)
        rows.append((reader.say(N_("Amount")) if content.credit_code else reader.say(N_("Paid back")), amount))
    return rows


def _expected(r: Reader) -> tuple[str, ...]:
    return (r.say(N_("We expect it on %(day)s."), day=r.day),) if r.day else ()


def _confirmed(r: Reader) -> Words:
    n = r.content.number
    return Words(
        subject=r.say(N_("Your order %(number)s is confirmed"), number=n),
        title=r.say(N_("Thank you for your order")),
        lead=r.say(N_("We have your order %(number)s and are getting it ready."), number=n),
        more=_expected(r),
        action=r.say(N_("See your order")),
        short=r.say(N_("Your order %(number)s is confirmed"), number=n),
    )


def _ready(r: Reader) -> Words:
    n = r.content.number
    return Words(
        subject=r.say(N_("Your order %(number)s is ready to collect"), number=n),
        title=r.say(N_("Ready to collect")),
        lead=r.say(N_("Your order %(number)s waits for you."), number=n),
        more=_how_to_collect(r),
        action=r.say(N_("See where it is")),
        short=_with_code(r, r.say(N_("Your order %(number)s is ready to collect"), number=n)),
    )


def _how_to_collect(r: Reader) -> tuple[str, ...]:
    if r.content.locker:
        return (r.say(N_("It lies in a locker: type the code of the locker, and take it out.")),)
    if not r.content.code:
        return (r.say(N_("Please bring this message, or the number of your order.")),)
    return (
        r.say(N_("Show the pickup code at the counter.")),
        r.say(N_("Somebody else may collect it: give us their name on the page of your order.")),
    )


def _with_code(r: Reader, said: str) -> str:
    """For a telephone: the code, and the last day."""
    parts = [said]
    if r.content.locker:
        parts.append(r.say(N_("locker %(locker)s, code %(code)s"), locker=r.content.locker, code=r.content.locker_code))
    elif r.content.code:
        parts.append(r.say(N_("code %(code)s"), code=r.content.code))
    if r.content.waits_until is not None:
        parts.append(r.say(N_("until %(day)s"), day=r.last_day))
    return ", ".join(parts)


def _reminder(r: Reader) -> Words:
    n = r.content.number
    return Words(
        subject=r.say(N_("Your order %(number)s waits until %(day)s"), number=n, day=r.last_day),
        title=r.say(N_("It still waits for you")),
        lead=r.say(
            N_("Your order %(number)s can be collected until %(day)s. After that we put it back."), number=n, day=r.last_day
        ),
        more=(*_how_to_collect(r), r.say(N_("You need more time? Say so on the page of your order."))),
        action=r.say(N_("See where it is")),
        short=_with_code(r, r.say(N_("Your order %(number)s still waits for you"), number=n)),
    )


def _given_back(r: Reader) -> Words:
    n = r.content.number
    paid = r.content.refund
    return Words(
        subject=r.say(N_("Your order %(number)s was not collected"), number=n),
        title=r.say(N_("It was not collected")),
        lead=r.say(N_("Nobody has collected your order %(number)s in time, so we have put it back."), number=n),
        more=(r.say(N_("What you have paid for it is paid back.")),) if paid else (r.say(N_("You owe us nothing for it.")),),
        action=r.say(N_("See your order")),
        short=r.say(N_("Your order %(number)s was not collected"), number=n),
    )


def _shipped(r: Reader) -> Words:
    n = r.content.number
    return Words(
        subject=r.say(N_("Your order %(number)s is on its way"), number=n),
        title=r.say(N_("It is on its way")),
        lead=r.say(N_("A parcel of your order %(number)s has left."), number=n),
        more=(r.say(N_("It goes to the store. We tell you when you can collect it.")),) if r.content.place else _expected(r),
        action=r.say(N_("Follow your parcel")),
        short=r.say(N_("Your order %(number)s is on its way"), number=n),
    )


def _out(r: Reader) -> Words:
    n = r.content.number
    return Words(
        subject=r.say(N_("Your parcel arrives today (order %(number)s)"), number=n),
        title=r.say(N_("It arrives today")),
        lead=r.say(N_("The driver has your parcel of order %(number)s."), number=n),
        action=r.say(N_("Follow your parcel")),
        short=r.say(N_("Your parcel arrives today (order %(number)s)"), number=n),
    )


def _failed(r: Reader) -> Words:
    n = r.content.number
    reason = r.say(REASONS.get(r.content.reason, REASONS["other"]))
    return Words(
        subject=r.say(N_("Your parcel could not be delivered (order %(number)s)"), number=n),
        title=r.say(N_("What shall we do with your parcel?")),
        lead=r.say(N_("Your parcel of order %(number)s could not be delivered: %(reason)s."), number=n, reason=reason),
        more=(r.say(_ANSWER, until=r.until),),
        action=r.say(N_("Say what happens next")),
        short=r.say(N_("Your parcel could not be delivered (order %(number)s)"), number=n),
    )


def _delivered(r: Reader) -> Words:
    n = r.content.number
    return Words(
        subject=r.say(N_("Your parcel has been delivered (order %(number)s)"), number=n),
        title=r.say(N_("It is there")),
        lead=r.say(N_("A parcel of your order %(number)s has been delivered."), number=n),
        more=(r.say(N_("Something is not right? You can send it back from the page of your order.")),),
        action=r.say(N_("See your order")),
        short=r.say(N_("Your parcel has been delivered (order %(number)s)"), number=n),
    )


def _delayed(r: Reader) -> Words:
    n = r.content.number
    return Words(
        subject=r.say(N_("Your parcel comes later (order %(number)s)"), number=n),
        title=r.say(N_("It comes later than we said")),
        lead=r.say(N_("We are sorry: your parcel of order %(number)s comes later than we told you."), number=n),
        more=_expected(r),
        action=r.say(N_("Follow your parcel")),
        short=r.say(N_("Your parcel comes later (order %(number)s)"), number=n),
    )


def _return(r: Reader) -> Words:
    n, code = r.content.number, r.content.code
    return Words(
        subject=r.say(N_("Your return %(code)s (order %(number)s)"), code=code, number=n),
        title=r.say(N_("Your return")),
        lead=r.say(N_("We wait for your return %(code)s of order %(number)s."), code=code, number=n),
        more=(r.say(N_("The label, the slip and the code are on this page; it also says how the return stands.")),),
        action=r.say(N_("See your return")),
        short=r.say(N_("Your return %(code)s (order %(number)s)"), code=code, number=n),
    )


def _return_declined(r: Reader) -> Words:
    n, code, reason = r.content.number, r.content.code, r.content.reason
    here = r.say(N_("Your goods are here. We send them back to you, or find another way with you: just answer this message."))
    return Words(
        subject=r.say(N_("We cannot take back your return %(code)s (order %(number)s)"), code=code, number=n),
        title=r.say(N_("We cannot take it back")),
        lead=r.say(N_("We are sorry: we cannot take back your return %(code)s of order %(number)s."), code=code, number=n),
        more=tuple(
            [
                one
                for one in (r.say(N_("Why: %(reason)s"), reason=reason) if reason else "", here if r.content.goods else "")
                if one
            ]
        ),
        action=r.say(N_("See your return")),
        short=r.say(N_("We cannot take back your return %(code)s (order %(number)s)"), code=code, number=n),
    )


def _return_given_back(r: Reader) -> Words:
    n, code = r.content.number, r.content.code
    return Words(
        subject=r.say(N_("Your goods are on their way back to you (return %(code)s)"), code=code),
        title=r.say(N_("Your goods are on their way back to you")),
        lead=r.say(
            N_("We have sent back to you what we could not take: return %(code)s of order %(number)s."), code=code, number=n
        ),
        action=r.say(N_("See your return")),
        short=r.say(N_("Your goods are on their way back to you (return %(code)s)"), code=code),
    )


def _substituted(r: Reader) -> Words:
    n = r.content.number
    return Words(
        subject=r.say(N_("Something else in your order %(number)s"), number=n),
        title=r.say(N_("We have put in something else")),
        lead=r.say(
            N_("%(name)s was not there. As you agreed, we have put this into your order %(number)s instead."),
            name=r.content.reason,
            number=n,
        ),
        more=(r.say(N_("It costs you no more. What is cheaper you get back.")),),
        action=r.say(N_("See your order")),
        short=r.say(N_("Something else in your order %(number)s"), number=n),
    )


_WORDS: Mapping[NoticeKind, Callable[[Reader], Words]] = {
    NoticeKind.CONFIRMED: _confirmed,
    NoticeKind.READY: _ready,
    NoticeKind.REMINDER: _reminder,
    NoticeKind.GIVEN_BACK: _given_back,
    NoticeKind.SHIPPED: _shipped,
    NoticeKind.OUT_FOR_DELIVERY: _out,
    NoticeKind.FAILED: _failed,
    NoticeKind.DELIVERED: _delivered,
    NoticeKind.DELAYED: _delayed,
    NoticeKind.SUBSTITUTED: _substituted,
    NoticeKind.RETURN: _return,
    NoticeKind.RETURN_DECLINED: _return_declined,
    NoticeKind.RETURN_GIVEN_BACK: _return_given_back,
    **AFTER,
}
