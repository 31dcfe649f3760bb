"""What buyers have agreed to where something is not there, in words, and the form that asks it."""

from __future__ import annotations

from collections.abc import Mapping

from comptoir.i18n import N_
from comptoir.modules.orders.contracts import Order, OrderLine
from comptoir.modules.substitution import api as substitution
from comptoir.modules.substitution.contracts import Consent
from comptoir.runtime.database import Tx
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages.order_forms import Asked, Sent, Values, Work
from comptoir.surfaces.console.web import Visit

CONSENT_WORDS: Mapping[Consent, str] = {
    Consent.NONE: N_("Nothing instead"),
    Consent.SAME_PRICE: N_("Something that usually costs no more"),
    Consent.ANY: N_("Whatever comes closest"),
}
AS_THE_ORDER = ""


def consent_options(visit: Visit) -> list[tuple[str, str]]:
    return [(consent.value, visit.say(words)) for consent, words in CONSENT_WORDS.items()]


def consent_of(fields: Fields) -> Consent:
    """What an order form says of the whole order; nothing said is nothing agreed to."""
    return fields.choice("substitutions", Consent, Consent.NONE)


def consent_row(visit: Visit, order: Order, agreed: Mapping[int, Consent]) -> str:
    """`Something that usually costs no more; Nothing instead: Tea`. Empty where nothing was agreed to."""
    words = [visit.say(CONSENT_WORDS[agreed[0]])] if agreed.get(0, Consent.NONE) is not Consent.NONE else []
    for line in _replaceable(order):
        if line.line_no in agreed and agreed[line.line_no] is not agreed.get(0, Consent.NONE):
            what = visit.say(CONSENT_WORDS[agreed[line.line_no]])
            words.append(visit.say(N_("%(product)s: %(consent)s"), product=line.name or line.sku or "", consent=what))
    return "; ".join(words)


def _replaceable(order: Order) -> list[OrderLine]:
    """Lines of which something may still be missing."""
    return [line for line in order.lines if line.sku is not None and line.open]


async def show_consent(asked: Asked) -> Values:
    order = asked.details.order
    agreed = await substitution.consents(asked.reader, order.id)
    return {
        "choices": consent_options(asked.visit),
        "agreed": agreed.get(0, Consent.NONE).value,
        "rows": [
            (line.line_no, line.name or line.sku or "", agreed[line.line_no].value if line.line_no in agreed else AS_THE_ORDER)
            for line in _replaceable(order)
        ],
    }


def read_consent(sent: Sent) -> Work:
    fields = sent.fields
    given = {0: consent_of(fields)}
    for line in _replaceable(sent.order):
        name = f"line-{line.line_no}"
        if fields.raw(name):
            given[line.line_no] = fields.choice(name, Consent)

    async def work(tx: Tx, locked: Order) -> str:
        kept = {line.line_no for line in _replaceable(sent.order)}
        there = await substitution.consents(tx, locked.id)
        over = {no: consent for no, consent in there.items() if no and no not in kept}
        await substitution.agree(tx, locked.id, over | given)
        return sent.visit.say(N_("What the buyer agrees to is written down."))

    return work
