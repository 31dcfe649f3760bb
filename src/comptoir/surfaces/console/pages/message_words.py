"""Which messages somebody wants, in words: on the page of an order, of a customer, and where staff write it down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from comptoir.i18n import N_
from comptoir.modules.notices.contracts import ON_PHONES, Consent, ConsentSource, Medium
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.pages.parcels_words import MEDIUM_WORDS
from comptoir.surfaces.console.web import Visit

SOURCE_WORDS: Mapping[ConsentSource, str] = {
    ConsentSource.ORDER: N_("with an order"),
    ConsentSource.LINK: N_("on the page that our letters lead to"),
    ConsentSource.STAFF: N_("told one of us"),
    ConsentSource.API: N_("told by a program"),
    ConsentSource.MESSAGE: N_("by a message"),
}


@dataclass(frozen=True, slots=True)
class ConsentRow:
    """What holds for an address and a medium. `allowed` is None where nobody has said anything."""

    medium: Medium
    address: str
    word: str
    words: str
    allowed: bool | None


def consent_words(visit: Visit, medium: Medium, one: Consent | None) -> str:
    """`SMS: agreed on 12 March 2026, with an order`."""
    word = visit.say(MEDIUM_WORDS[medium])
    if one is None:
        usual = N_("%(medium)s: sent") if medium is Medium.EMAIL else N_("%(medium)s: nobody has agreed, none is sent")
        return visit.say(usual, medium=word)
    said = N_("%(medium)s: agreed on %(day)s, %(how)s") if one.allowed else N_("%(medium)s: stopped on %(day)s, %(how)s")
    day = formatting.instant(one.at, visit.page.locale, visit.page.zone)
    return visit.say(said, medium=word, day=day, how=visit.say(SOURCE_WORDS[one.source]))


def of_order(visit: Visit, standing: Mapping[Medium, Consent | None]) -> str:
    """On one line; nothing where nobody has said anything, and letters go out."""
    said = [consent_words(visit, medium, one) for medium, one in standing.items() if one is not None]
    return "; ".join(said)


def of_addresses(visit: Visit, emails: Sequence[str], phones: Sequence[str], latest: Sequence[Consent]) -> list[ConsentRow]:
    """For each address that we know, by medium."""
    known = {(one.medium, one.address): one for one in latest}
    pairs = [(Medium.EMAIL, address) for address in emails]
    pairs += [(medium, address) for address in phones for medium in ON_PHONES]
    rows: list[ConsentRow] = []
    for medium, address in pairs:
        one = known.get((medium, address))
        allowed = one.allowed if one is not None else (True if medium is Medium.EMAIL else None)
        rows.append(ConsentRow(medium, address, visit.say(MEDIUM_WORDS[medium]), consent_words(visit, medium, one), allowed))
    return rows
