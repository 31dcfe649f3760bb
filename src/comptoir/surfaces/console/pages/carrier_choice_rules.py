"""Rules about who carries what, as sentences with blanks: in their order, each with its carriers below it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from comptoir.i18n import N_
from comptoir.kernel.ids import from_text, to_text
from comptoir.modules.locations.contracts import LOCATION_PREFIX, LocationId
from comptoir.modules.tracking.api import CarrierRule, Do, Effect, Ruling
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import picks
from comptoir.surfaces.console.pages.picks import Option, Pick
from comptoir.surfaces.console.pages.routing_blanks import Choices
from comptoir.surfaces.console.pages.routing_words import SERVICE_WORDS
from comptoir.surfaces.console.web import Visit

_MOST_RULES, _MOST_EFFECTS = 50, 20
_MOST_WEIGHT = 1_000_000
_MOST_SHARE = 1_000
TICKED = ("channels", "locations", "countries", "services", "categories")
DO_WORDS: Mapping[Do, str] = {
    Do.PREFER: N_("prefer"),
    Do.ONLY: N_("take only"),
    Do.EXCLUDE: N_("do not take"),
    Do.SHARE: N_("give a share to"),
}


@dataclass(slots=True)
class EffectRow:
    do: str = Do.PREFER.value
    carrier: str = ""
    service: str = ""
    share: str = ""

    @property
    def is_empty(self) -> bool:
        return not (self.carrier or self.service or self.share)


@dataclass(slots=True)
class RuleRow:
    """A rule as it stands in the form."""

    name: str = ""
    postcodes: str = ""
    least: str = ""
    most: str = ""
    dangerous: str = ""
    ticked: dict[str, list[str]] = field(default_factory=lambda: {name: list[str]() for name in TICKED})
    other: str = ""
    """Countries that were typed."""
    effects: list[EffectRow] = field(default_factory=lambda: [EffectRow()])

    @property
    def is_empty(self) -> bool:
        """Nobody has filled in anything: it is no rule."""
        said = (self.name, self.postcodes, self.least, self.most, self.dangerous, self.other, *self.ticked.values())
        return not any(said) and all(one.is_empty for one in self.effects)


def of_ruling(ruling: Ruling) -> list[RuleRow]:
    """Shares of the whole house are a last rule, for what no other fits."""
    rules = list(ruling.rules)
    if ruling.shares:
        shares = [Effect(do=Do.SHARE, carrier=carrier, share=n) for carrier, n in sorted(ruling.shares.items()) if n]
        rules.append(CarrierRule(effects=tuple(shares)))
    return [_row(rule) for rule in rules]


def _row(rule: CarrierRule) -> RuleRow:
    return RuleRow(
        name=rule.name,
        postcodes=", ".join(rule.postcodes),
        least="" if rule.weight_from is None else str(rule.weight_from),
        most="" if rule.weight_to is None else str(rule.weight_to),
        dangerous="" if rule.dangerous is None else "yes" if rule.dangerous else "no",
        ticked={
            "channels": list(rule.channels),
            "locations": [to_text(LOCATION_PREFIX, one) for one in rule.locations],
            "countries": list(rule.countries),
            "services": list(rule.services),
            "categories": list(rule.categories),
        },
        effects=[EffectRow(one.do.value, one.carrier, one.service, str(one.share or "")) for one in rule.effects],
    )


def typed(fields: Fields) -> list[RuleRow]:
    return [_typed(fields, n) for n in range(_count(fields.raw("rules"), _MOST_RULES))]


def _typed(fields: Fields, n: int) -> RuleRow:
    at = f"r{n}"
    return RuleRow(
        name=fields.raw(f"{at}-name").strip(),
        postcodes=fields.raw(f"{at}-postcodes").strip(),
        least=fields.raw(f"{at}-least").strip(),
        most=fields.raw(f"{at}-most").strip(),
        dangerous=fields.raw(f"{at}-dangerous"),
        ticked={name: fields.all(f"{at}-{name}") for name in TICKED},
        other=fields.raw(f"{at}-countries_other").strip(),
        effects=[
            EffectRow(*(fields.raw(f"{at}-{name}-{m}").strip() for name in ("do", "carrier", "service", "share")))
            for m in range(_count(fields.raw(f"{at}-effects"), _MOST_EFFECTS))
        ],
    )


def _count(text: str, most: int) -> int:
    return min(int(text), most) if text.isascii() and text.isdigit() else 0


def moved(rows: list[RuleRow], step: str) -> list[RuleRow]:
    """After a button of the form: `add`, `away:2`, `up:2`, `more:2`."""
    verb, _, number = step.partition(":")
    n = _count(number, len(rows))
    if verb == "add" and len(rows) < _MOST_RULES:
        return [*rows, RuleRow()]
    if n >= len(rows):
        return rows
    if verb == "away":
        return [*rows[:n], *rows[n + 1 :]]
    if verb == "up" and n:
        return [*rows[: n - 1], rows[n], rows[n - 1], *rows[n + 1 :]]
    if verb == "more" and len(rows[n].effects) < _MOST_EFFECTS:
        rows[n].effects.append(EffectRow())
    return rows


def parsed(fields: Fields, rows: Sequence[RuleRow]) -> tuple[CarrierRule, ...]:
    """What stands in the form; what is wrong is refused at its field."""
    return tuple([_parsed(fields, n, row) for n, row in enumerate(rows) if not row.is_empty])


def _parsed(fields: Fields, n: int, row: RuleRow) -> CarrierRule:
    at = f"r{n}"
    countries, unknown = picks.named_countries(row.other)
    if unknown:
        fields.refuse(f"{at}-countries", N_("%(names)s: no country is called that."), names=", ".join(unknown))
    least, most = (_weight(fields, f"{at}-{name}", text) for name, text in (("least", row.least), ("most", row.most)))
    if least is not None and most is not None and least > most:
        fields.refuse(f"{at}-most", N_("This is less than the lightest."))
    effects = tuple([_effect(fields, at, m, one) for m, one in enumerate(row.effects) if not one.is_empty])
    if not effects:
        fields.refuse(f"{at}-carrier-0", N_("Name a carrier, or take the rule away."))
    return CarrierRule(
        name=fields.text(f"{at}-name", most=100),
        channels=tuple(row.ticked["channels"]),
        locations=tuple(_locations(row.ticked["locations"])),
        countries=tuple(dict.fromkeys([*picks.ticked_countries(row.ticked["countries"]), *countries])),
        postcodes=tuple(dict.fromkeys([part.strip()[:20] for part in row.postcodes.split(",") if part.strip()])),
        services=tuple(row.ticked["services"]),
        weight_from=least,
        weight_to=most,
        categories=tuple(row.ticked["categories"]),
        dangerous={"yes": True, "no": False}.get(row.dangerous),
        effects=effects,
    )


def _weight(fields: Fields, name: str, text: str) -> int | None:
    return None if not text else fields.whole(name, least=0, most=_MOST_WEIGHT)


def _locations(texts: Sequence[str]) -> list[LocationId]:
    found: list[LocationId] = []
    for text in texts:
        try:
            found.append(LocationId(from_text(LOCATION_PREFIX, text)))
        except ValueError:
            continue  # it is none of ours
    return found


def _effect(fields: Fields, at: str, m: int, row: EffectRow) -> Effect:
    do = fields.choice(f"{at}-do-{m}", Do, Do.PREFER)
    carrier = fields.text(f"{at}-carrier-{m}", required=True, most=100)
    if do is not Do.SHARE:
        return Effect(do=do, carrier=carrier, service=fields.text(f"{at}-service-{m}", most=100))
    if row.service:
        fields.refuse(f"{at}-service-{m}", N_("A share is given to a carrier as a whole."))
    return Effect(do=do, carrier=carrier, share=fields.whole(f"{at}-share-{m}", least=1, most=_MOST_SHARE))


def picks_of(
    visit: Visit, rows: Sequence[RuleRow], choices: Choices, errors: Mapping[str, str]
) -> list[tuple[RuleRow, Mapping[str, Pick]]]:
    services: Sequence[Option] = [(code, visit.say(word)) for code, word in SERVICE_WORDS.items()]
    blanks = (
        ("channels", N_("Channels"), N_("all channels"), choices.orders.channels),
        ("locations", N_("Locations"), N_("any location"), choices.locations),
        ("countries", N_("Countries"), N_("all countries"), choices.orders.countries),
        ("services", N_("Deliveries"), N_("any delivery"), services),
        ("categories", N_("Categories"), N_("any product"), choices.orders.categories),
    )
    shown: list[tuple[RuleRow, Mapping[str, Pick]]] = []
    for n, row in enumerate(rows):
        known = picks.country_options([*dict(choices.orders.countries), *row.ticked["countries"]], visit.page.locale)
        found = {
            name: Pick(
                f"r{n}-{name}",
                visit.say(label),
                visit.say(nothing),
                known if name == "countries" else options,
                row.ticked[name],
                visit.page.locale,
                other=visit.say(N_("Other countries")) if name == "countries" else "",
                typed=row.other if name == "countries" else "",
                error=errors.get(f"r{n}-{name}", ""),
            )
            for name, label, nothing, options in blanks
        }
        shown.append((row, found))
    return shown
