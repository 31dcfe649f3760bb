"""Lots on the way through the store: which to take first, which to leave, and what is said of one out of turn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import msgspec

from comptoir.i18n import N_
from comptoir.kernel.errors import Refusal
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.lots import api as lots
from comptoir.modules.lots.contracts import Lying
from comptoir.modules.lots.errors import LotNotFirst
from comptoir.runtime.database import Reader
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.web import Visit


@dataclass(frozen=True, slots=True)
class LotsHere:
    """The lots of a SKU here, with what a device has to know of them to judge scans by itself."""

    lots: Lying
    known: str
    """`[[lot, day or null], …]` of what may be taken, what expires first first."""
    barred: str
    """`[lot, …]`"""


async def lots_here(visit: Visit, reader: Reader, location_id: LocationId, skus: Iterable[str]) -> dict[str, LotsHere]:
    """Of the SKUs that have lots."""
    found = await lots.lying(reader, location_id, sorted(set(skus)), visit.page.now)
    return {
        sku: LotsHere(
            here,
            msgspec.json.encode([(one.code, one.expires_on) for one in here.good]).decode(),
            msgspec.json.encode([one.code for one in here.barred]).decode(),
        )
        for sku, here in found.items()
    }


def again_of(visit: Visit, refusal: Refusal | None) -> str:
    """The code that was scanned of a lot out of turn: scanned once more it is taken."""
    return visit.fields().raw("code")[:100] if isinstance(refusal, LotNotFirst) else ""


def refused_words(visit: Visit, refusal: Refusal) -> str:
    if not isinstance(refusal, LotNotFirst):
        return visit.refusal(refusal)
    first, lot, day = str(refusal.data["first"]), str(refusal.data["lot"]), refusal.data["expires_on"]
    if day is None:
        return visit.say(
            N_("Take lot %(first)s first. To take lot %(lot)s all the same, scan it once more."), first=first, lot=lot
        )
    shown = formatting.day(date.fromisoformat(str(day)), visit.page.locale, visit.page.zone)
    return visit.say(
        N_("Take lot %(first)s first: it expires on %(day)s. To take lot %(lot)s all the same, scan it once more."),
        first=first,
        day=shown,
        lot=lot,
    )
