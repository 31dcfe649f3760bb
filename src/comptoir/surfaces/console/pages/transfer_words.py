"""Transfers in words: their stages, how late they are, and why units arrive damaged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from comptoir.i18n import N_
from comptoir.kernel.ids import to_text
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import Absence, DamageReason, Transfer, TransferId, TransferLine, TransferStage
from comptoir.runtime.database import Reader
from comptoir.surfaces.console import formatting
from comptoir.surfaces.console.pages import lists
from comptoir.surfaces.console.pages.lists import Goods, Sites
from comptoir.surfaces.console.pages.stock_words import TRANSFER_PREFIX
from comptoir.surfaces.console.pages.store_desk import Due, Stamp
from comptoir.surfaces.console.web import Visit

STAGES: Mapping[TransferStage, tuple[str, str, str]] = {
    TransferStage.TO_PICK: (N_("To pick"), "active", "list-check"),
    TransferStage.TO_PACK: (N_("To pack"), "active", "package"),
    TransferStage.TO_HAND_OVER: (N_("To hand over"), "active", "truck"),
    TransferStage.TO_RECEIVE: (N_("On the road"), "neutral", "truck"),
    TransferStage.DONE: (N_("Done"), "good", "circle-check"),
}
DAMAGES: Mapping[DamageReason, str] = {
    DamageReason.BROKEN: N_("broken"),
    DamageReason.CRUSHED: N_("crushed"),
    DamageReason.WET: N_("wet"),
    DamageReason.OPENED: N_("opened"),
    DamageReason.SPOILED: N_("spoiled"),
}
DOUBTS: Mapping[str, str] = {"never_sent": N_("never sent"), "surplus": N_("came elsewhere without being sent")}
"""Why a count is asked for at the origin of a transfer."""
FATES: Mapping[Absence | None, tuple[str, str]] = {
    None: (N_("Still on its way"), N_("It stays on the road; you take it in when it comes.")),
    Absence.LOST: (N_("Lost on the road"), N_("It left and is gone: it is written off.")),
    Absence.NEVER_SENT: (N_("Never sent"), N_("It is on hand at the origin again, which is asked to count it.")),
}


@dataclass(frozen=True, slots=True)
class TransferTask:
    """A transfer in a list of the store."""

    transfer: Transfer
    href: str
    title: str
    words: str
    due: Due
    stamp: Stamp
    waits: int
    """Pieces that somebody has scanned and nobody has taken in."""

    @property
    def number(self) -> str:
        return f"T{self.transfer.number}"


def sending_href(transfer_id: TransferId) -> str:
    return f"/store/transfers/{to_text(TRANSFER_PREFIX, transfer_id)}"


def arriving_href(transfer_id: TransferId) -> str:
    return f"/store/arriving/{to_text(TRANSFER_PREFIX, transfer_id)}"


def stamp(visit: Visit, transfer: Transfer) -> Stamp:
    word, tone, icon = STAGES[transfer.stage]
    return Stamp(visit.say(word), tone, icon)


def due(visit: Visit, transfer: Transfer) -> Due:
    """When it should arrive, or by how many days it is late."""
    day = transfer.due_on
    if day is None:
        return Due("", "neutral", "")
    today = today_of(visit)
    if day < today:
        return Due(visit.says("late by %(num)s day", "late by %(num)s days", (today - day).days), "bad", "alert-triangle")
    if day == today:
        return Due(visit.say(N_("expected today")), "warn", "clock")
    words = visit.say(N_("expected on %(day)s"), day=formatting.day(day, visit.page.locale, visit.page.zone))
    return Due(words, "neutral", "clock")


def today_of(visit: Visit) -> date:
    return visit.page.now.astimezone(visit.page.zone).date()


def pieces(lines: Sequence[TransferLine], names: Goods, units: Mapping[str, int]) -> int:
    """What is weighed is one for each line, however much it is."""
    return sum(min(1, units.get(one.sku, 0)) if names.is_weighed(one.sku) else units.get(one.sku, 0) for one in lines)


async def tasks(visit: Visit, reader: Reader, found: Sequence[Transfer], sites: Sites, *, arriving: bool) -> list[TransferTask]:
    """At most three queries, whatever their number."""
    ids = [one.id for one in found]
    lines = await inventory.lines_of_transfers(reader, ids)
    names = await lists.goods(reader, {line.sku for own in lines.values() for line in own})
    waits = await inventory.tallied(reader, ids) if arriving else {}
    return [_task(visit, one, lines.get(one.id, ()), names, sites, waits, arriving=arriving) for one in found]


def _task(
    visit: Visit,
    one: Transfer,
    lines: tuple[TransferLine, ...],
    names: Goods,
    sites: Sites,
    waits: Mapping[TransferId, int],
    *,
    arriving: bool,
) -> TransferTask:
    whole = replace(one, lines=lines)
    units = {line.sku: line.open if arriving else line.quantity for line in lines}
    count = pieces(lines, names, units)
    parts = [visit.says("%(num)s unit", "%(num)s units", count), one.note]
    other = one.from_location_id if arriving else one.to_location_id
    return TransferTask(
        transfer=whole,
        href=(arriving_href if arriving else sending_href)(one.id),
        title=sites[other],
        words=" · ".join(part for part in parts if part),
        due=due(visit, one),
        stamp=stamp(visit, whole),
        waits=waits.get(one.id, 0),
    )
