"""How carriers are chosen: what counts beside the price when the label of a box is bought."""

from __future__ import annotations

from collections.abc import Mapping

from comptoir.i18n import N_
from comptoir.kernel.errors import Stale
from comptoir.kernel.money import Currency
from comptoir.modules.staff.contracts import Permission
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.api import Ruling
from comptoir.runtime.database import Tx
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import asking
from comptoir.surfaces.console.pages.amounts import affixes, amount, house_currency, plain_or_empty
from comptoir.surfaces.console.pages.asking import Question, Typed
from comptoir.surfaces.console.web import Answer, Area, Done, Visit

area = Area("settings")

_HERE = "/carriers/choice"
_MOST_COST = 10**8
_MOST_SHARE = 1_000


@area.get(_HERE, Permission.ROUTING_WRITE)
async def choice_page(visit: Visit) -> Answer:
    return await _form(visit, asking.NOTHING_TYPED)


async def _form(visit: Visit, typed: Typed) -> Answer:
    async with visit.read() as reader:
        currency = await house_currency(reader)
        ruling, version = await tracking.ruling.get(reader)
    question = Question(
        title=visit.say(N_("How carriers are chosen")),
        fields="carriers/_choice.html",
        action=_HERE,
        back="/carriers",
        confirm=visit.say(N_("Save")),
        icon="device-floppy",
        words=visit.say(
            N_(
                "When the label of a box is bought, every carrier is asked. Of those that arrive in time, the one is proposed "
                "that costs least with what being late and lost have cost on that way."
            )
        ),
        crumbs=[(visit.say(N_("Settings")), "/settings"), (visit.say(N_("Carriers")), "/carriers")],
    )
    proposed = _values(ruling, currency, visit.page.locale) | {"version": str(version)}
    if isinstance(typed.refusal, Stale):
        values = dict(typed.values) | {"version": str(version)}
        typed = Typed(values, typed.errors, typed.refused, typed.refusal)
    return asking.ask(visit, question, typed, proposed, coin=affixes(currency, visit.page.locale))


def _values(ruling: Ruling, currency: Currency, locale: str) -> dict[str, object]:
    return {
        "excluded": ", ".join(sorted(ruling.excluded)),
        "shares": ", ".join(f"{carrier} {share}" for carrier, share in sorted((ruling.shares or {}).items())),
        "on_time": round(ruling.at_least_on_time * 100) or "",
        "late_costs": plain_or_empty(ruling.late_costs, currency, locale),
        "loss_costs": plain_or_empty(ruling.loss_costs, currency, locale),
        "tolerance": plain_or_empty(ruling.tolerance, currency, locale),
    }


@area.post(_HERE, Permission.ROUTING_WRITE)
async def save_choice(visit: Visit) -> Answer:
    fields = visit.fields()
    async with visit.read() as reader:
        currency = await house_currency(reader)
    wanted, version = _ruling(fields, currency), fields.whole("version", default=0)

    async def work(tx: Tx) -> Done:
        _, kept = await tracking.ruling.put(tx, wanted, version=version)
        await visit.record(tx, "carrier_choice.changed", "", {"version": kept})
        return Done("/carriers", visit.say(N_("Carriers are chosen like this from the next box on.")))

    return await asking.answer(visit, fields, work, lambda typed: _form(visit, typed))


def _ruling(fields: Fields, currency: Currency) -> Ruling:
    return Ruling(
        excluded=frozenset(_names(fields.text("excluded", most=2_000))),
        at_least_on_time=fields.whole("on_time", most=100, default=0) / 100,
        late_costs=amount(fields, "late_costs", currency, most=_MOST_COST),
        loss_costs=amount(fields, "loss_costs", currency, most=_MOST_COST),
        shares=_shares(fields) or None,
        tolerance=amount(fields, "tolerance", currency, most=_MOST_COST),
    )


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _shares(fields: Fields) -> Mapping[str, int]:
    """Written `UPS 60, USPS 40`."""
    found: dict[str, int] = {}
    for part in _names(fields.text("shares", most=2_000)):
        name, _, share = part.rpartition(" ")
        if not name or not share.isascii() or not share.isdigit() or int(share) > _MOST_SHARE:
            fields.refuse("shares", N_("Write each carrier with its share, such as UPS 60, USPS 40."))
            return {}
        found[name.strip()] = int(share)
    if found and not any(found.values()):
        fields.refuse("shares", N_("One carrier has to get something."))
    return found
