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
    "not_together": N_("These cannot be done together: they are not all here any more."),
    "channel_closed": N_("This channel is switched off."),
    "too_many_requests": N_("That was too often. Wait a moment, then try again."),
    "sign_in_refused": N_("E-mail address or password is wrong."),
    "unauthenticated": N_("Sign in first."),
    "not_permitted": N_("Your role does not allow this."),
    "foreign_form": N_("This form did not come from one of our pages, or your session has changed since. Open the page again."),
    "email_taken": N_("Another user has this e-mail address."),
    "last_owner": N_("This is the last active owner: make someone else an owner first."),
    "scope_beyond_you": N_("A token cannot do more than the person who makes it."),
    "transfer_state": N_("The transfer cannot do that in its present state."),
    "quantity_too_large": N_("That is more than is open."),
    "location_code_taken": N_("Another location has this code."),
    "pool_code_taken": N_("Another stock pool has this code."),
    "channel_code_taken": N_("Another channel has this code."),
    "rule_set_code_taken": N_("Another rule set has this code."),
    "rule_set_retired": N_("This rule set is retired and stays as it was. Make a copy of it to change it."),
    "carrier_service_code_taken": N_("Another service of a carrier has this code."),
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
