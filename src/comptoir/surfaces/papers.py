"""The papers that a program asks for: of a fulfilment order or a wave, in the language that it wants or the buyer's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from comptoir import i18n
from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound
from comptoir.modules.channels import api as channels
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import Fulfilment, FulfilmentId, WaveId
from comptoir.modules.locations import api as locations
from comptoir.runtime.database import Reader
from comptoir.surfaces.console.pages import store_sheets
from comptoir.surfaces.documents.contracts import Document, Paper

LOCALES = {"en": "en_GB", "fr": "fr_FR"}
REASONS = (
    ("1", N_("It does not fit")),
    ("2", N_("It is damaged")),
    ("3", N_("It is not what was ordered")),
    ("4", N_("I have changed my mind")),
    ("5", N_("Another reason")),
)
"""Why buyers send back, as they stand on the slip in the box."""


class Sheet(NamedTuple):
    """A paper, its file's name, and the locale that it is printed in."""

    paper: Document
    name: str
    locale: str


def wanted(header: str) -> str:
    """The language of ours that an Accept-Language likes best; empty where it names none of them."""
    liked: list[tuple[float, int, str]] = []
    for n, part in enumerate(header.split(",")):
        name, _, weight = part.partition(";")
        language = name.strip()[:2].lower()
        _, _, number = weight.strip().partition("q=")
        try:
            quality = float(number) if number else 1.0
        except ValueError:
            quality = 0.0
        if language in LOCALES and quality > 0:
            liked.append((-quality, n, language))
    return min(liked)[2] if liked else ""


def locale_of(language: str, otherwise: str) -> str:
    return LOCALES.get(language, otherwise)


async def packing_slip(reader: Reader, fulfilment_id: FulfilmentId, parcel: int | None, language: str) -> Sheet:
    """Of one box by its number, or of all of it. Raises UnknownFulfilment, and NotFound for a box that there is not."""
    one = await fulfilment.get(reader, fulfilment_id)
    case = await store_sheets.case_of(reader, one, await _seller(reader, one))
    found = next((box for box in case.parcels if box.number == parcel), None)
    if parcel is not None and found is None:
        raise NotFound(kind="parcel", id=str(parcel))
    if parcel is None and len(case.parcels) == 1:
        found = case.parcels[0]
    return Sheet(store_sheets.packing_slip(case, found), f"F{one.number}-packing-slip", locale_of(language, case.locale))


async def return_slip(reader: Reader, fulfilment_id: FulfilmentId, language: str) -> Sheet:
    """Raises UnknownFulfilment."""
    one = await fulfilment.get(reader, fulfilment_id)
    case = await store_sheets.case_of(reader, one, await _seller(reader, one))
    locale = locale_of(language, case.locale)
    return Sheet(store_sheets.return_slip(case, reasons(locale)), f"F{one.number}-return-slip", locale)


async def pick_list(
    reader: Reader, fulfilment_id: FulfilmentId, paper: Paper, language: str, picker: str, now: datetime
) -> Sheet:
    """What is still to be picked of one. Raises UnknownFulfilment."""
    one = await fulfilment.get(reader, fulfilment_id)
    return await _picked(reader, [one], f"F{one.number}", paper, language, picker, now)


async def wave_list(reader: Reader, wave_id: WaveId, paper: Paper, language: str, picker: str, now: datetime) -> Sheet:
    """What is still to be picked of all of a wave. Raises UnknownWave."""
    wave = await fulfilment.wave(reader, wave_id)
    found = await fulfilment.members(reader, wave_id)
    place = await locations.get(reader, wave.location_id)
    number = store_sheets.wave_number(wave)
    sheet = await store_sheets.pick_list(reader, found, place, number=number, paper=paper, picker=picker, now=now)
    return Sheet(sheet, f"{number}-pick-list", locale_of(language, LOCALES["en"]))


async def _picked(
    reader: Reader, found: Sequence[Fulfilment], number: str, paper: Paper, language: str, picker: str, now: datetime
) -> Sheet:
    place = await locations.get(reader, found[0].location_id)
    sheet = await store_sheets.pick_list(reader, found, place, number=number, paper=paper, picker=picker, now=now)
    return Sheet(sheet, f"{number}-pick-list", locale_of(language, LOCALES["en"]))


def reasons(locale: str) -> list[tuple[str, str]]:
    """Why buyers send back, in their language."""
    return [(code, i18n.gettext(i18n.language(locale), text)) for code, text in REASONS]


async def _seller(reader: Reader, one: Fulfilment) -> str:
    return (await channels.by_code(reader, one.channel_code)).name
