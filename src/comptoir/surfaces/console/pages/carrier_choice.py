"""How carriers are chosen: rules about who may carry what, and what counts beside the price among those that may."""

from __future__ import annotations

from collections.abc import Sequence

from comptoir.i18n import N_
from comptoir.kernel.errors import Refusal, Stale
from comptoir.kernel.money import Currency
from comptoir.modules.staff.contracts import Permission
from comptoir.modules.tracking import api as tracking
from comptoir.modules.tracking.api import Ruling
from comptoir.runtime.database import Reader, Tx
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import asking, routing_blanks
from comptoir.surfaces.console.pages.amounts import affixes, amount, house_currency, plain_or_empty
from comptoir.surfaces.console.pages.asking import Typed
from comptoir.surfaces.console.pages.carrier_choice_rules import DO_WORDS, RuleRow, moved, of_ruling, parsed, picks_of, typed
from comptoir.surfaces.console.pages.picks import Pick
from comptoir.surfaces.console.web import Answer, Area, Done, Visit

area = Area("settings")

_HERE = "/carriers/choice"
_MOST_COST = 10**8


@area.get(_HERE, Permission.ROUTING_WRITE)
async def choice_page(visit: Visit) -> Answer:
    return await _form(visit, None, asking.NOTHING_TYPED)


async def _form(visit: Visit, rows: Sequence[RuleRow] | None, refused: Typed) -> Answer:
    """With what holds now, or (`rows`) with what was typed."""
    async with visit.read() as reader:
        choices = await routing_blanks.choices(visit, reader)
        ruling, version = await tracking.ruling.get(reader)
        known = await _carriers(reader)
    proposed = _values(ruling, choices.currency, visit.page.locale) | {"version": str(version)}
    excluded = sorted(ruling.excluded)
    if rows is not None:
        given = visit.fields()
        excluded = given.all("excluded")
        proposed |= given.values
    if isinstance(refused.refusal, Stale):
        proposed["version"] = str(version)
    options = [(name, name) for name in sorted({*known, *excluded}, key=str.casefold)]
    return visit.respond(
        "carriers/choice.html",
        "carriers/_choice.html",
        status=422 if refused.refused else 200,
        values=proposed,
        errors=refused.errors,
        refused=refused.refused,
        rules=picks_of(visit, of_ruling(ruling) if rows is None else rows, choices, refused.errors),
        excluded=Pick(
            "excluded", visit.say(N_("Carriers that are not used")), visit.say(N_("none")), options, excluded, visit.page.locale
        ),
        does=[(do.value, visit.say(word)) for do, word in DO_WORDS.items()],
        known=known,
        coin=affixes(choices.currency, visit.page.locale),
        href=_HERE,
    )


async def _carriers(reader: Reader) -> list[str]:
    """What parcels and accounts have called carriers until now."""
    carriers, _ = await tracking.known_words(reader)
    named = [name for account in await tracking.accounts.everything(reader) for name in account.carriers]
    return sorted({*carriers, *named} - {""}, key=str.casefold)


def _values(ruling: Ruling, currency: Currency, locale: str) -> dict[str, object]:
    return {
        "on_time": round(ruling.at_least_on_time * 100) or "",
        "late_costs": plain_or_empty(ruling.late_costs, currency, locale),
        "loss_costs": plain_or_empty(ruling.loss_costs, currency, locale),
        "tolerance": plain_or_empty(ruling.tolerance, currency, locale),
    }


@area.post(_HERE, Permission.ROUTING_WRITE)
async def save_choice(visit: Visit) -> Answer:
    fields = visit.fields()
    rows, step = typed(fields), fields.raw("step")
    if step and step != "keep":
        return await _form(visit, moved(rows, step), asking.NOTHING_TYPED)
    async with visit.read() as reader:
        currency = await house_currency(reader)
    wanted, version = _ruling(fields, rows, currency), fields.whole("version", default=0)

    async def work(tx: Tx) -> Done:
        _, kept = await tracking.ruling.put(tx, wanted, version=version)
        await visit.record(tx, "carrier_choice.changed", "", {"version": kept})
        return Done("/carriers", visit.say(N_("Carriers are chosen like this from the next box on.")))

    try:
        fields.done()
        return await visit.act(work)
    except Refusal as refusal:
        return await _form(visit, rows, asking.typed_of(visit, fields, refusal))


def _ruling(fields: Fields, rows: Sequence[RuleRow], currency: Currency) -> Ruling:
    return Ruling(
        excluded=frozenset(fields.all("excluded")),
        at_least_on_time=fields.whole("on_time", most=100, default=0) / 100,
        late_costs=amount(fields, "late_costs", currency, most=_MOST_COST),
        loss_costs=amount(fields, "loss_costs", currency, most=_MOST_COST),
        tolerance=amount(fields, "tolerance", currency, most=_MOST_COST),
        rules=parsed(fields, rows),
    )
