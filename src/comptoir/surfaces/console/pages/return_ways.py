"""An exchange whose goods are gone before anybody has approved it: what is lacking, and every way on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from comptoir.kernel.ids import to_text
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import OtherWay, ReturnCase, WayOn
from comptoir.modules.locations.contracts import LOCATION_PREFIX
from comptoir.modules.orders.contracts import Order
from comptoir.runtime.database import Reader
from comptoir.surfaces.changing import SETTING
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import change_offers, lists
from comptoir.surfaces.console.web import Visit

_MOST = 8


@dataclass(frozen=True, slots=True)
class GoneRow:
    sku: str
    requested: int
    available: int
    others: Sequence[tuple[str, str]]
    """(SKU, words): what there is of the same product, and the first choice of it."""
    elsewhere: Sequence[tuple[str, str, int]]
    """(id, name, units): who has it although the channel does not sell from there."""


async def gone_rows(visit: Visit, reader: Reader, case: ReturnCase, order: Order | None, places: lists.Sites) -> list[GoneRow]:
    """Nothing where nothing waits for approval, or all of it is there."""
    if order is None or not case.exchange or not changes.undecided(case):
        return []
    rows: list[GoneRow] = []
    for one in await changes.gone_of(reader, case, order, SETTING):
        offers = await change_offers.variants_of(reader, order, one.sku)
        fit = [o for o in offers if o.sku != one.sku and o.available >= one.requested and o.price is not None]
        others = [
            (o.sku, f"{o.name} · {formatting.money(o.price or 0, order.currency, visit.page.locale)}") for o in fit[:_MOST]
        ]
        elsewhere = [(to_text(LOCATION_PREFIX, place), places[place], units) for place, units in one.elsewhere[:_MOST]]
        rows.append(GoneRow(one.sku, one.requested, one.available, others, elsewhere))
    return rows


def way_of(fields: Fields) -> WayOn | None:
    """What was chosen in a form; None where nothing had to be."""
    text = fields.raw("instead")
    return WayOn(OtherWay(text), fields.raw("sku").strip()[:100]) if text in set(OtherWay) else None
