"""Transfers that should have arrived, each with what can be done about it one click away."""

from __future__ import annotations

from dataclasses import dataclass

from comptoir.i18n import N_
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import TransferFilter
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader
from comptoir.surfaces.console.pages import transfer_words
from comptoir.surfaces.console.pages.lists import Sites
from comptoir.surfaces.console.pages.store_desk import Due
from comptoir.surfaces.console.pages.transfers import transfer_href
from comptoir.surfaces.console.web import Visit

SHOWN = 4
LIST = "/transfers?late=yes"


@dataclass(frozen=True, slots=True)
class LateTransfer:
    """A transfer in the tower."""

    title: str
    href: str
    words: str
    due: Due
    remedies: tuple[tuple[str, str, str], ...]
    """(address, icon, words); none for who may only look."""


async def read(visit: Visit, reader: Reader, sites: Sites) -> list[LateTransfer]:
    """One query where none is late, and three where some are; the oldest first."""
    wanted = TransferFilter(location_ids=visit.places(), late_on=transfer_words.today_of(visit))
    found = (await inventory.find_transfers(reader, wanted, sort="number", limit=SHOWN)).items
    if not found:
        return []
    rows = await transfer_words.tasks(visit, reader, found, sites, arriving=True)
    may = visit.may(Permission.STOCK_TRANSFER)
    return [
        LateTransfer(
            title=visit.say(N_("Transfer %(number)s"), number=row.transfer.number),
            href=transfer_href(row.transfer.id),
            words=f"{sites[row.transfer.from_location_id]} → {sites[row.transfer.to_location_id]} · {row.words}",
            due=row.due,
            remedies=_remedies(visit, transfer_href(row.transfer.id)) if may else (),
        )
        for row in rows
    ]


def _remedies(visit: Visit, href: str) -> tuple[tuple[str, str, str], ...]:
    return (
        (f"{href}/expect", "calendar-event", visit.say(N_("Still on its way"))),
        (f"{href}/receive", "package-import", visit.say(N_("Receive it"))),
        (f"{href}/settle", "package-off", visit.say(N_("Lost, or never sent"))),
    )
