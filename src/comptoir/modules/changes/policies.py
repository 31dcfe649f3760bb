"""Whether something may come back, as functions of values: the retailer's terms, and the law above them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from comptoir.kernel.calendars import is_public_holiday, keeps_holidays
from comptoir.modules.changes.contracts import (
    Policy,
    Reason,
    RefundMethod,
    Sign,
    Signal,
    Sold,
    Verdict,
    Why,
)

WITHDRAWAL_DAYS = 14
"""Code de la consommation, L221-18: from the day after delivery, to the next working day where it ends on none (L221-19). The
other states of the European Economic Area have the same by directive 2011/83/EU, articles 9 to 14.
"""
_EUROPEAN = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK"
_OVERSEAS = "BL GF GP MF MQ PM RE YT"
"""French, with codes of their own."""
WITHDRAWAL_COUNTRIES = frozenset((*_EUROPEAN.split(), *_OVERSEAS.split()))

STANDARD = Policy(code="standard", position=0)
"""Where no policy fits."""

FAULTS = frozenset({Reason.DEFECTIVE, Reason.DAMAGED, Reason.WRONG_ITEM, Reason.NOT_AS_DESCRIBED})
CONFORMITY = timedelta(days=730)
"""The legal guarantee of conformity, two years from delivery (L217-3)."""


def fits(policy: Policy, sold: Sold) -> bool:
    return (
        policy.active
        and _is_for(policy, sold)
        and (not policy.channels or sold.channel in policy.channels)
        and (not policy.countries or sold.country in policy.countries)
        and (policy.valid_from is None or policy.valid_from <= sold.bought_on)
        and (policy.valid_until is None or sold.bought_on <= policy.valid_until)
    )


def _is_for(policy: Policy, sold: Sold) -> bool:
    """Whether it is for this article: one in its category or among its SKUs, any where it names neither."""
    if sold.sku in policy.skus:
        return True
    if policy.skus and not policy.category:
        return False
    return sold.category[: len(policy.category)] == policy.category


def first_fit(policies: Iterable[Policy], sold: Sold) -> Policy:
    """The first by position that fits."""
    return next((one for one in sorted(policies, key=lambda p: (p.position, p.code)) if fits(one, sold)), STANDARD)


def allowed(policy: Policy, sold: Sold, asked_on: date) -> Verdict:
    """Whether it may come back on that day, and on which terms.

    A policy may give more than the law and never less: whoever withdraws in time gets the money back as it was paid. What has
    not been delivered is never too late.
    """
    fault = sold.reason in FAULTS
    free = sold.reason in policy.free_reasons or fault
    fee = 0 if free else policy.fee
    label = (policy.prepaid, 0 if free or not policy.prepaid else policy.label_fee)
    own, legal = _own_term(policy, sold), withdrawal_until(policy, sold)
    withdraws = withdrawable(policy, sold)
    if withdraws and (legal is None or asked_on <= legal):
        until = None if legal is None else max(legal, own if own is not None and not policy.final_sale else legal)
        # Of what goes back the buyer bears the direct cost of sending it, and nothing else (L221-23).
        return Verdict(True, Why.WITHDRAWAL, until, 0, policy.moment, RefundMethod.ORIGINAL, policy.approval_above, *label)
    if not policy.final_sale and (own is None or asked_on <= own):
        return Verdict(True, Why.WITHIN_WINDOW, own, fee, policy.moment, policy.method, policy.approval_above, *label)
    if fault and sold.consumer and (sold.delivered_on is None or asked_on <= sold.delivered_on + CONFORMITY):
        until = None if sold.delivered_on is None else sold.delivered_on + CONFORMITY
        return Verdict(True, Why.DEFECT, until, 0, policy.moment, RefundMethod.ORIGINAL, policy.approval_above, *label)
    why = Why.FINAL_SALE if policy.final_sale else Why.TOO_LATE
    until = None if policy.final_sale else own
    return Verdict(False, why, until, fee, policy.moment, policy.method, policy.approval_above, *label)


def of_marketplace(verdict: Verdict, policy: Policy) -> Verdict:
    """A marketplace gives money back by its own rules: as it was paid, and without a fee unless the policy names channels."""
    fees = (verdict.fee, verdict.label_fee) if policy.channels else (0, 0)
    return verdict._replace(method=RefundMethod.ORIGINAL, fee=fees[0], label_fee=fees[1])


def _own_term(policy: Policy, sold: Sold) -> date | None:
    return None if sold.delivered_on is None else sold.delivered_on + timedelta(days=policy.window)


def withdrawable(policy: Policy, sold: Sold) -> bool:
    """Whether the buyer has a right to withdraw."""
    return sold.distance and sold.consumer and sold.country in WITHDRAWAL_COUNTRIES and not policy.exempt


def withdrawal_until(policy: Policy, sold: Sold) -> date | None:
    """The last day on which the buyer may withdraw; None where the term has not begun, or there is no such right."""
    if sold.delivered_on is None or not withdrawable(policy, sold):
        return None
    until = sold.delivered_on + timedelta(days=WITHDRAWAL_DAYS)
    resting = sold.country if keeps_holidays(sold.country) else "FR"
    while until.weekday() >= 5 or is_public_holiday(resting, until):
        until += timedelta(days=1)
    return until


SERIAL_ORDERS = 3
"""Below so many orders with returns nobody is called a serial returner."""
SERIAL_SHARE = 60
"""Percent of the units that were sent."""


def signals(orders_returned: int, shipped: int, returned: int, *, wrong: int, value: int, high: int) -> list[Signal]:
    """What a person should look at: how much this customer sends back, what else was in the box, and how much it is about.

    `value` and `high` are minor units.
    """
    found: list[Signal] = []
    share = returned * 100 // shipped if shipped else 0
    if orders_returned >= SERIAL_ORDERS and share >= SERIAL_SHARE:
        words = f"{share} % of {shipped} units came back, from {orders_returned} orders"
        found.append(Signal(Sign.SERIAL_RETURNER, words, {"share": share, "orders": orders_returned, "shipped": shipped}))
    if wrong:
        found.append(Signal(Sign.WRONG_ITEM, f"{wrong} units are not what was sold", {"units": wrong}))
    if value > high:
        words = "The units are worth more than the amount from which somebody should look"
        found.append(Signal(Sign.HIGH_VALUE, words, {"value": value, "above": high}))
    return found
