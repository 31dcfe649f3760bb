"""A service of a carrier as it stands in a form: everything as it was typed, and what it means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from comptoir.i18n import N_
from comptoir.kernel.money import Currency
from comptoir.modules.carriers.api import MAX_BOX, MAX_CARBON, MAX_COST, MAX_DAYS, MAX_KM, MAX_ZONES
from comptoir.modules.carriers.contracts import CarrierService, CarrierServiceDraft, Origins, Service, Zone
from comptoir.surfaces.console.exporting import plain_amount
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import carrier_origins
from comptoir.surfaces.console.pages.amounts import amount, decimal, plain, plain_or_empty
from comptoir.surfaces.console.pages.days import ticked_days
from comptoir.surfaces.console.pages.picks import named_countries, ticked_countries

SERVICE_WORDS = {Service.STANDARD: N_("Standard"), Service.EXPRESS: N_("Express")}
BEGUN = 3
"""So many empty zones stand in the form of a new service."""


@dataclass(frozen=True, slots=True)
class Row:
    """A zone as it was typed."""

    km: str = ""
    base: str = ""
    kg: str = ""
    days: str = ""

    @property
    def is_empty(self) -> bool:
        return not (self.km or self.base or self.kg or self.days)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A service on a form. `service` is the one that is changed; None for a new one."""

    values: Mapping[str, str]
    rows: Sequence[Row]
    countries: Sequence[str]
    delivers: tuple[bool, ...]
    errors: Mapping[str, str] = field(default_factory=dict[str, str])
    service: CarrierService | None = None
    origins: Mapping[str, Sequence[str]] = field(default_factory=lambda: carrier_origins.ticked(Origins()))
    """What is ticked of where it collects, by blank."""


_SINGLE = (
    "code",
    "name",
    "service",
    "active",
    "dangerous",
    "delivers_on_holidays",
    "max_weight",
    "carbon",
    "version",
    "countries_other",
    carrier_origins.OTHERS,
)


def written(one: CarrierServiceDraft, service: CarrierService | None, currency: Currency, locale: str) -> Sheet:
    values = {
        "code": one.code,
        "name": one.name,
        "service": one.service.value,
        "active": "yes" if one.active else "",
        "dangerous": "yes" if one.dangerous else "",
        "delivers_on_holidays": "yes" if one.delivers_on_holidays else "",
        "max_weight": plain(one.max_weight / 1000, locale),
        "carbon": plain(one.carbon, locale),
    }
    rows = [
        Row(
            plain(zone.up_to_km, locale),
            plain_amount(zone.base, currency, locale),
            plain_or_empty(zone.per_kg, currency, locale),
            str(zone.days),
        )
        for zone in one.zones
    ]
    return Sheet(
        values,
        rows or [Row()] * BEGUN,
        one.countries,
        one.delivers,
        service=service,
        origins=carrier_origins.ticked(one.origins),
    )


def typed(fields: Fields, service: CarrierService | None) -> Sheet:
    numbers = sorted(int(n) for n in fields.starting("km:") if n.isascii() and n.isdigit() and len(n) < 4)
    rows = [Row(*(fields.raw(f"{name}:{n}") for name in ("km", "base", "kg", "days"))) for n in numbers[:MAX_ZONES]]
    return Sheet(
        {name: fields.raw(name) for name in _SINGLE},
        rows or [Row()],
        [code for code in fields.all("countries") if code],
        ticked_days(fields),
        fields.errors,
        service,
        {name: [text for text in fields.all(name) if text] for name in carrier_origins.BLANKS},
    )


def stepped(sheet: Sheet, step: str) -> Sheet:
    """The form after a button in it: `add` a zone, or take one `away:2`."""
    what, _, number = step.partition(":")
    if what == "add" and len(sheet.rows) < MAX_ZONES:
        return replace(sheet, rows=[*sheet.rows, Row()])
    if what == "away" and number.isascii() and number.isdigit():
        rows = [row for n, row in enumerate(sheet.rows) if n != int(number)]
        return replace(sheet, rows=rows or [Row()])
    return sheet


def meant(fields: Fields, currency: Currency) -> CarrierServiceDraft:
    """What the form says; what is wrong with it is in `fields.errors`."""
    codes, unknown = named_countries(fields.raw("countries_other"))
    if unknown:
        fields.refuse("countries", N_("Nobody knows the country %(country)s."), country=unknown[0])
    ticked = ticked_countries(fields.all("countries"))
    delivers = ticked_days(fields)
    if not any(delivers):
        fields.refuse("days", N_("Tick at least one."))
    return CarrierServiceDraft(
        code=fields.text("code", required=True, most=64),
        name=fields.text("name"),
        active=fields.checked("active"),
        service=Service(fields.one_of("service", [service.value for service in SERVICE_WORDS], Service.STANDARD.value)),
        zones=_zones(fields, currency),
        countries=tuple(dict.fromkeys([*ticked, *codes])),
        dangerous=fields.checked("dangerous"),
        max_weight=round(1000 * decimal(fields, "max_weight", least=0.001, most=MAX_BOX / 1000)),
        carbon=decimal(fields, "carbon", most=MAX_CARBON),
        delivers=delivers,
        delivers_on_holidays=fields.checked("delivers_on_holidays"),
        origins=carrier_origins.meant(fields),
    )


def _zones(fields: Fields, currency: Currency) -> tuple[Zone, ...]:
    """Rows that say something, from near to far, in whichever order they were typed."""
    rows = [(n, row) for n, row in enumerate(typed(fields, None).rows) if not row.is_empty]
    zones = [
        Zone(
            decimal(fields, f"km:{n}", least=0.001, most=MAX_KM),
            fields.money(f"base:{n}", currency, least=0, most=MAX_COST),
            amount(fields, f"kg:{n}", currency, most=MAX_COST),
            fields.whole(f"days:{n}", most=MAX_DAYS),
        )
        for n, _ in rows
    ]
    if not zones:
        fields.refuse("zones", N_("Fill in one zone at least: up to where, and what it costs."))
    first: dict[float, int] = {}
    for (n, _), zone in zip(rows, zones, strict=True):
        if f"km:{n}" not in fields.errors and first.setdefault(zone.up_to_km, n) != n:
            fields.refuse(f"km:{n}", N_("This distance stands here twice."))
    return tuple(sorted(zones, key=lambda zone: zone.up_to_km))
