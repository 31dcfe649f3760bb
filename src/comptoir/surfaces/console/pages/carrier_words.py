"""What carriers say, in words for whoever stands there with a box in their hands."""

from __future__ import annotations

from collections.abc import Mapping

from comptoir.i18n import N_
from comptoir.kernel.errors import Fault, Refusal
from comptoir.surfaces.console.web import Visit

FAULT_WORDS: Mapping[str, str] = {
    "carrier_unavailable": N_(
        "The carrier does not answer, and nothing was bought. Try again, choose another carrier, or go on without: the box can "
        "get its label later."
    ),
    "carrier_busy": N_("The carrier wants to be asked less often, and nothing was bought. Wait a minute, then try again."),
    "outcome_unknown": N_(
        "No answer came: the label may be bought. It is in doubt, and nobody buys it a second time. It is looked for by itself "
        "every few minutes; go on with another box."
    ),
    "carrier_not_authorised": N_(
        "The carrier does not accept our key. Whoever looks after the accounts with carriers has to put it right."
    ),
    "carrier_payment_needed": N_("The account with the carrier cannot pay. Whoever looks after it has to fill it."),
    "carrier_not_understood": N_("The carrier answered something that nobody understands. Choose another one."),
    "shipment_rejected": N_("The carrier does not take the box as it is described, and nothing was bought."),
}

FIELD_WORDS: Mapping[str, str] = {
    "recipient.postcode": N_("It is about the postcode of the address."),
    "recipient.line1": N_("It is about the street of the address."),
    "recipient.city": N_("It is about the city of the address."),
    "recipient.region": N_("It is about the region of the address."),
    "recipient.country": N_("It is about the country of the address."),
    "recipient.phone": N_("It is about the buyer's phone number."),
    "recipient.email": N_("It is about the buyer's e-mail address."),
    "recipient.name": N_("It is about the name of who gets it."),
    "parcel.weight": N_("It is about the weight of the box."),
    "parcel.length": N_("It is about the measures of the box."),
    "items": N_("It is about what customs want to know of the goods."),
    "items.hs_code": N_("It is about the customs number of the goods: it stands in the catalogue."),
    "items.value": N_("It is about the value of the goods."),
    "service": N_("It is about the service of the carrier."),
}
"""By what a carrier complains about; of the sender's there is one sentence."""

AGAINST_WORDS: Mapping[str, str] = {
    "the carrier is excluded": N_("its carrier is not used"),
    "the carrier has no share": N_("its carrier gets no share of the load"),
    "the rule excludes it": N_("the rule excludes it"),
    "the rule takes others only": N_("the rule takes others only"),
    "too slow": N_("too slow for the promised day"),
    "too dear": N_("too dear"),
    "late too often": N_("late too often on this way"),
    "another currency": N_("its price is in another currency"),
}


def problem_words(visit: Visit, problem: Refusal | Fault) -> str:
    """Why something could not be done with a carrier, and what to do."""
    if isinstance(problem, Refusal):
        reason = str(problem.data.get("reason", "")) if problem.code in {"label_not_taken_back", "carrier_cannot"} else ""
        return " ".join(filter(None, (visit.refusal(problem), f"“{reason}”" if reason else "")))
    known = FAULT_WORDS.get(problem.code)
    if known is None:
        return visit.say(N_("That could not be done just now. Try again in a moment."))
    if problem.code != "shipment_rejected":
        return visit.say(known)
    return " ".join([visit.say(known), f"“{problem.detail}”", field_words(visit, str(problem.data.get("field", "")))]).strip()


def field_words(visit: Visit, field: str) -> str:
    if field.startswith("sender."):
        return visit.say(N_("It is about the address, phone or e-mail of the location, which stand in its settings."))
    return visit.say(FIELD_WORDS[field]) if field in FIELD_WORDS else ""


def code_words(visit: Visit, code: str, problem: str) -> str:
    """As `problem_words`, of what was written down when it happened: a code, and the carrier's words."""
    known = FAULT_WORDS.get(code)
    if known is None:
        return problem
    return f"{visit.say(known)} “{problem}”" if code == "shipment_rejected" else visit.say(known)
