"""What the modules refuse, in the reader's language: one sentence each, with the values that it was about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from comptoir import i18n
from comptoir.i18n import N_
from comptoir.kernel.errors import Refusal

SENTENCES: Mapping[str, str] = {
    "not_found": N_("What you asked for is not there."),
    "stale": N_("Someone else has changed this since you opened it. Look at the present state and decide again."),
    "insufficient_stock": N_("There is not enough stock."),
    "stale_quantity": N_("The stock has changed since you read it."),
    "hold_gone": N_("The cart's hold is over."),
    "empty_order": N_("An order needs at least one line."),
    "unknown_sku": N_("The catalogue does not know this SKU."),
    "not_for_sale": N_("This cannot be sold in this channel: it is switched off, or has no price in its market."),
    "total_changed": N_("The total is not what was shown: prices have changed. Look at it again."),
    "backorder_not_allowed": N_("This channel does not take orders for what is not there."),
    "quantity_not_open": N_("Not that many units are open."),
    "unknown_line": N_("The order has no such line."),
    "not_reserved_there": N_("These units are not reserved at that location."),
    "duplicate_order": N_("This order has been placed already."),
    "over_refund": N_("That is more than was paid."),
    "over_void": N_("More than was authorised."),
    "not_that_kind": N_("This exception cannot be resolved that way."),
    "exception_closed": N_("Someone has resolved this already."),
    "not_in_that_state": N_("That is not possible in its present state: somebody has taken another step meanwhile."),
    "somebody_else_works_on_it": N_("Somebody else works on it."),
    "not_that_many": N_("There are not that many units."),
    "not_picked": N_("Pick it first: nothing is there to go into a box or over the counter."),
    "nothing_to_do": N_("Nothing is left to do here."),
    "box_recalled": N_("A box is not to leave as it is: part of it was cancelled. Open it and take that out first."),
    "unknown_invoice": N_("There is no such invoice."),
    "seller_unknown": N_("Say first, under Settings, who sells: an invoice without that is none."),
    "nothing_to_invoice": N_("There is nothing to invoice, or all of it is invoiced."),
    "at_third_party": N_("A third party does it. Cancel it at the order: they are asked to stop first."),
    "customer_still_served": N_(
        "Something is still to be sent, to come back or to be paid: their address is needed until then."
    ),
    "not_recalled": N_("That stays in the box: it is not among what is to be taken out."),
    "purchase_step_refused": N_("The purchase order does not allow that any more: somebody has answered it meanwhile."),
    "not_that_many_open": N_("There are not that many units open."),
    "not_a_supplier": N_("This location is no supplier."),
    "proposal_gone": N_("Some of it is not proposed any more: look again."),
    "lot_refused": N_("Put it back: this lot has expired, expires too soon, or is recalled."),
    "lot_recalled": N_("Part of it is of a lot that is recalled. Take that out first: open its box, and put it back."),
    "lot_not_first": N_("Another lot of this expires sooner: that one is to be taken first."),
    "lot_not_said": N_("Say which lot it is, or its date: it stands on the package."),
    "unknown_lot": N_("There is no such lot."),
    "lots_not_asked": N_("This product has no lots: say first what it asks for."),
    "lot_differs": N_("This lot is known with another date: look at the label again."),
    "too_many_in_lots": N_("There are not so many units of this lot."),
    "substitution_not_allowed": N_("The buyer wants this and nothing else."),
    "not_a_substitute": N_("This does not stand in for it, is not here, or the buyer has not agreed to its price."),
    "reference_missing": N_("The receipt of the terminal is missing."),
    "unknown_account": N_("There is no gift card or store credit with this code."),
    "balance_too_low": N_("There is not enough on the gift card or store credit."),
    "account_expired": N_("The time of this gift card or store credit is over."),
    "wrong_currency": N_("That is in another currency."),
    "over_owed": N_("That is more than is owed."),
    "not_paid": N_("It has to be paid first."),
    "already_paid": N_("That is paid already."),
    "wrong_pickup_code": N_("That is not the right code."),
    "no_more_time": N_("It cannot wait any longer."),
    "no_curbside": N_("It is not brought out there."),
    "no_locker": N_("No locker of that size is free."),
    "locker_code_taken": N_("There is a locker of this code already."),
    "locker_step_refused": N_("That is not possible with this locker now: somebody has taken another step meanwhile."),
    "unknown_put_back": N_("Somebody has put that back already."),
    "not_together": N_("These cannot be done together: they are not all here any more."),
    "channel_closed": N_("This channel is switched off."),
    "too_many_requests": N_("That was too often. Wait a moment, then try again."),
    "sign_in_refused": N_("E-mail address or password is wrong."),
    "unauthenticated": N_("Sign in first."),
    "not_permitted": N_("Your role does not allow this."),
    "foreign_form": N_("This form did not come from one of our pages, or your session has changed since. Open the page again."),
    "email_taken": N_("Another user has this e-mail address."),
    "last_owner": N_("This is the last active owner: make someone else an owner first."),
    "other_location": N_(
        "This belongs to another store, or to all of them. You see it where that helps a buyer, and change what is of your own."
    ),
    "location_beyond_you": N_("You cannot let others work where you do not."),
    "scope_beyond_you": N_("A token cannot do more than the person who makes it."),
    "return_step_refused": N_("The return cannot do that in its present state: somebody has taken another step meanwhile."),
    "return_not_allowed": N_("The terms do not take this back any more. A person may, with somebody's approval."),
    "not_returnable": N_("The buyer does not have that many units to return: they have come back, or are on their way."),
    "not_sold_by_us": N_("We never sold this: it is kept as found stock, and nobody is refunded for it."),
    "unknown_return": N_("This return is not there."),
    "unknown_received": N_("This was not received, or somebody has just looked at a part of it."),
    "inspected_already": N_("Somebody has looked at these units already."),
    "no_label_given": N_("There is no label for this return now: it is not awaited, or the last label is not given back yet."),
    "no_carrier_for_returns": N_("No carrier sells a label for this return. Print our own address label, or have it brought."),
    "weight_unknown": N_("Nobody knows what it weighs: type the weight."),
    "nothing_to_give_back": N_("Nothing is here that was declined."),
    "goods_still_here": N_("What was declined is still here: give it back, or keep it by agreement, first."),
    "no_picture": N_("This is no picture that we can read: JPEG, PNG or WebP."),
    "picture_too_large": N_("The picture is too large."),
    "too_many_pictures": N_("There are enough pictures of this return."),
    "over_deduction": N_("More would be kept than the units were worth."),
    "nothing_to_pay_out": N_("Nothing is promised to this buyer that has not moved."),
    "marketplace_pays": N_("The marketplace gives the money back by its own rules."),
    "policy_code_taken": N_("Another return policy has this code."),
    "nothing_picked": N_("Nothing of it is picked: pick something first, or drop the plan."),
    "transfer_state": N_("The transfer cannot do that in its present state."),
    "quantity_too_large": N_("That is more than is open."),
    "location_code_taken": N_("Another location has this code."),
    "pool_code_taken": N_("Another stock pool has this code."),
    "channel_code_taken": N_("Another channel has this code."),
    "rule_set_code_taken": N_("Another rule set has this code."),
    "run_schedule_code_taken": N_("Another schedule has this code."),
    "run_schedule_off": N_("This schedule is switched off: no order waits for it. Switch it on first."),
    "rule_set_retired": N_("This rule set is retired and stays as it was. Make a copy of it to change it."),
    "carton_code_taken": N_("Another carton has this code."),
    "label_busy": N_("The carrier is being asked about this label right now. Look again in a moment."),
    "label_has_left": N_("The box has left with this label: it cannot be given back any more."),
    "label_still_there": N_("The box has a label, bought or perhaps bought. Give it back, or look for it, first."),
    "label_not_taken_back": N_(
        "The carrier does not take the label back. You can open the box all the same; the label stays paid for."
    ),
    "label_missing": N_(
        "The label of a box is in doubt or is being given back. Look for it first, or type the number of another."
    ),
    "label_dearer": N_("The label has become dearer than it was when you chose it. Nothing was bought. Choose again."),
    "service_not_offered": N_("The carrier does not offer this service for this box any more. Choose another one."),
    "nowhere_to_send": N_("The order has no address to send to."),
    "carrier_account_inactive": N_("This account with a carrier is switched off."),
    "case_closed": N_("This can no longer be answered: it has been decided, or the time has passed."),
    "parcel_not_followed": N_("No account with a carrier tells of this parcel: nobody can be asked."),
    "parcel_not_carried": N_("Nobody carries this: the buyer has taken it at the counter."),
    "carrier_cannot": N_("This carrier cannot do that."),
    "carrier_service_code_taken": N_("Another service of a carrier has this code."),
    "change_open": N_("Another change of this order is open. Decide on it first, or give it up."),
    "change_step_refused": N_("Somebody has decided on this change already."),
    "approval_needed": N_("Somebody has to approve this first."),
    "own_approval": N_("You have asked for this yourself: somebody else has to approve it."),
    "not_collected_there": N_("Nothing is handed out at this location."),
    "no_address": N_("There is no address to send it to: type one."),
    "picking_begun": N_("Picking has begun: cancel the units instead, which calls them back."),
    "not_a_sale": N_("A credit is not changed here: its channel corrects it."),
    "over_allowance": N_("That is more than is left of the price."),
    "nothing_left": N_("The buyer does not have that many units."),
    "over_grant": N_("That is more than was granted."),
    "grant_closed": N_("This refund is paid out or withdrawn already."),
    "over_method": N_("That is more than may go back this way: refund it as it was paid, or as store credit."),
    "idempotency_key_reused": N_("This form was sent before with other values. Open the page again."),
}
"""By the refusal's code. A code without a sentence shows its English title."""


def words(refusal: Refusal, locale: str) -> str:
    """The refusal as a sentence, with the particulars that the reader can act on."""
    say = _Say(locale)
    sentence = SENTENCES.get(refusal.code)
    text = say(sentence) if sentence is not None else _plain(refusal)
    particulars = _particulars(refusal, say)
    return f"{text} {particulars}" if particulars else text


def short_lines(refusal: Refusal) -> list[Mapping[str, object]]:
    """Of a refusal for lack of stock, what is short: rows of sku, requested and available."""
    return cast("list[Mapping[str, object]]", refusal.data.get("lines", [])) if refusal.code == "insufficient_stock" else []


class _Say:
    def __init__(self, locale: str) -> None:
        self._locale = locale

    def __call__(self, text: str, **values: object) -> str:
        return i18n.gettext(self._locale, text, **values)


def _plain(refusal: Refusal) -> str:
    errors = cast("list[Mapping[str, str]]", refusal.data.get("errors", []))
    if errors:
        return "; ".join(f"{error['path']}: {error['message']}" for error in errors[:5])
    return refusal.title


def _particulars(refusal: Refusal, say: _Say) -> str:
    data = refusal.data
    lines = cast("list[Mapping[str, object]]", data.get("lines", []))
    match refusal.code:
        case "insufficient_stock":
            return " ".join(
                say(
                    N_("%(sku)s: %(asked)s asked, %(there)s available."),
                    sku=row["sku"],
                    asked=row["requested"],
                    there=row["available"],
                )
                for row in lines[:10]
            )
        case "unknown_sku" | "not_for_sale" if isinstance(data.get("skus"), list | tuple):
            return ", ".join(str(sku) for sku in cast("list[object]", data["skus"])[:10])
        case "quantity_not_open":
            return " ".join(
                say(
                    N_("Line %(line)s: %(asked)s asked, %(open)s open."),
                    line=row["line_no"],
                    asked=row["asked"],
                    open=row["open"],
                )
                for row in lines[:10]
            )
        case "not_reserved_there":
            return " ".join(
                say(
                    N_("Line %(line)s: %(asked)s asked, %(reserved)s reserved there."),
                    line=row["line_no"], asked=row["asked"], reserved=row["reserved"],
                )
                for row in lines[:10]
            )  # fmt: skip
        case _:
            return ""
