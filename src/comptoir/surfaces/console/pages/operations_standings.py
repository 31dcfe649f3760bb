"""What the control tower tells apart: how far open work has come, how old it is, and how far one looks ahead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import urlencode

from comptoir.i18n import N_
from comptoir.modules.fulfilment.contracts import Deadline, Stage
from comptoir.modules.tracking.contracts import TroubleKind
from comptoir.runtime.database import Reader
from comptoir.surfaces.console.web import Visit
from comptoir.surfaces.demo import state as demo

AT_LOCATIONS = (Stage.WAITING, Stage.TO_PICK, Stage.TO_PACK, Stage.TO_HAND_OVER)
"""What somebody at a location has to do something about; what waits for its buyer has arrived as far as we are concerned."""


class Standing(StrEnum):
    """How far open work has come, from the order to the door."""

    STOCK = "stock"
    TO_ROUTE = "to_route"
    HELD = "held"
    TO_PICK = "to_pick"
    TO_PACK = "to_pack"
    TO_HAND_OVER = "to_hand_over"
    TO_RECEIVE = "to_receive"
    READY = "ready"
    ON_THE_WAY = "on_the_way"
    TROUBLE = "trouble"


class Shown(NamedTuple):
    word: str
    meaning: str
    icon: str


STANDINGS: Mapping[Standing, Shown] = {
    Standing.STOCK: Shown(N_("Waiting for stock"), N_("Orders of which units are not there yet."), "hourglass"),
    Standing.TO_ROUTE: Shown(N_("To route"), N_("Promised, but no location has it to do for good."), "arrows-split-2"),
    Standing.HELD: Shown(N_("Held up"), N_("Something has to be settled before anybody goes on."), "hand-stop"),
    Standing.TO_PICK: Shown(N_("To pick"), N_("At a location, not all of it picked."), "list-check"),
    Standing.TO_PACK: Shown(N_("To pack"), N_("Picked, and not in boxes or on the counter."), "package"),
    Standing.TO_HAND_OVER: Shown(N_("To hand over"), N_("In boxes, waiting for the driver."), "truck"),
    Standing.TO_RECEIVE: Shown(N_("On its way to a store"), N_("Sent to the counter where it is collected."), "package-import"),
    Standing.READY: Shown(N_("Ready to collect"), N_("On the counter, waiting for the buyer."), "shopping-bag"),
    Standing.ON_THE_WAY: Shown(N_("With the carrier"), N_("Parcels on their way, by when they left."), "truck-delivery"),
    Standing.TROUBLE: Shown(N_("In trouble"), N_("Troubles with parcels and labels, by when they began."), "alert-triangle"),
}
OF_STAGE: Mapping[Stage, Standing] = {
    Stage.WAITING: Standing.HELD,
    Stage.TO_PICK: Standing.TO_PICK,
    Stage.TO_PACK: Standing.TO_PACK,
    Stage.TO_HAND_OVER: Standing.TO_HAND_OVER,
    Stage.TO_RECEIVE: Standing.TO_RECEIVE,
    Stage.READY: Standing.READY,
}
STAGES: Mapping[Standing, tuple[Stage, bool | None]] = {
    Standing.TO_ROUTE: (Stage.WAITING, False),
    Standing.HELD: (Stage.WAITING, True),
    Standing.TO_PICK: (Stage.TO_PICK, None),
    Standing.TO_PACK: (Stage.TO_PACK, None),
    Standing.TO_HAND_OVER: (Stage.TO_HAND_OVER, None),
    Standing.TO_RECEIVE: (Stage.TO_RECEIVE, None),
    Standing.READY: (Stage.READY, None),
}
"""The stage of a fulfilment order that stands there, and whether it is settled where it stays."""
TROUBLE_WORDS: Mapping[TroubleKind, str] = {
    TroubleKind.STUCK: N_("Nothing heard of it"),
    TroubleKind.FAILED: N_("Delivery failed"),
    TroubleKind.LOST: N_("Lost on the way"),
    TroubleKind.DAMAGED: N_("Damaged on the way"),
    TroubleKind.RETURNED: N_("Back at the sender"),
    TroubleKind.REJECTED: N_("Label not bought"),
    TroubleKind.UNUSED: N_("Label not needed"),
    TroubleKind.LATE: N_("Arrives late"),
}


# Ages


class Band(NamedTuple):
    """A span of age. `least` is how old it is at least, `most` below which it stays; None for the oldest."""

    code: str
    word: str
    least: timedelta
    most: timedelta | None


_HOURS, _DAY = timedelta(hours=4), timedelta(days=1)
BANDS: tuple[Band, ...] = (
    Band("4h", N_("Under 4 h"), timedelta(), _HOURS),
    Band("24h", N_("Under a day"), _HOURS, _DAY),
    Band("1d", N_("1 day"), _DAY, 2 * _DAY),
    Band("2d", N_("2 days"), 2 * _DAY, 3 * _DAY),
    Band("older", N_("3 days and more"), 3 * _DAY, None),
)
"""The youngest first."""


def bounds(now: datetime) -> list[datetime]:
    """Between the bands, the earliest first, as the modules count them: what is in their band n is in `BANDS[-1 - n]`."""
    return sorted(now - band.most for band in BANDS if band.most is not None)


def span(code: str, now: datetime) -> tuple[datetime | None, datetime | None]:
    """From when on, and before when, what is in a band began. What is told to begin a little after now is in the youngest."""
    band = next((band for band in BANDS if band.code == code), None)
    if band is None:
        return None, None
    return None if band.most is None else now - band.most, now - band.least if band.least else None


async def clock(reader: Reader, now: datetime) -> datetime:
    """The time of the trade: a replayed year's, where one plays. Ages of orders count up to it."""
    replay = await demo.read(reader)
    return now if replay is None else replay.data_at


# Looking ahead

WITHIN: Mapping[str, tuple[str, timedelta]] = {
    "0": (N_("passed"), timedelta()),
    "4": (N_("4 h"), timedelta(hours=4)),
    "24": (N_("a day"), timedelta(days=1)),
    "48": (N_("2 days"), timedelta(days=2)),
}
USUAL_WITHIN = "4"


@dataclass(frozen=True, slots=True)
class Horizon:
    """How far somebody looks ahead."""

    code: str
    late: Deadline
    risk: Deadline


def horizon(visit: Visit) -> Horizon:
    code = visit.param("within")
    code = code if code in WITHIN else USUAL_WITHIN
    now, zone = visit.page.now, visit.page.zone
    until = now + WITHIN[code][1]
    late = Deadline(now, now.astimezone(zone).date())
    return Horizon(code, late, Deadline(until, until.astimezone(zone).date(), foreseen=True))


def orders_href(**wanted: object) -> str:
    """The list of exactly those; what is empty is left out."""
    text = urlencode({name: value for name, value in wanted.items() if value})
    return "/operations/orders" + (f"?{text}" if text else "")


def options(visit: Visit, words: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(code, visit.say(word)) for code, word in words]
