"""What a phone keeps of its store for when the server cannot be reached: the worker that gives it, and what is to be kept.

The pages are kept as they are shown, under the permissions of whoever is signed in, and dropped with the sign-out
(`static/store-keep.js`, `app.js`). Nothing is made for it that a page would not say.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b

import msgspec
from litestar import Response

from comptoir.kernel.ids import to_text
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import WAVE_PREFIX, Stage, WaveState
from comptoir.modules.inventory import api as inventory
from comptoir.modules.inventory.contracts import TransferFilter, TransferState
from comptoir.modules.locations.contracts import LocationId
from comptoir.modules.lots import api as lots
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader
from comptoir.surfaces.console.pages import lists, store_desk, transfer_words
from comptoir.surfaces.console.pages.store_next import ON_THE_ROAD
from comptoir.surfaces.console.rendering import STATIC
from comptoir.surfaces.console.visits import HEADERS
from comptoir.surfaces.console.web import Answer, Area, Visit

area = Area("store")

AWAY = "/store/away"
ALWAYS = (AWAY, "/store", "/store/pick", "/store/out", "/store/transfers", "/store/receive")
"""Kept anew each time: what they say is of the whole store."""
MOST_TASKS = 40
_WAVES = 10
_TRANSFERS = 20


@lru_cache(maxsize=1)
def _worker() -> bytes:
    return (STATIC / "store-worker.js").read_bytes()


@area.get("/store/worker.js", public=True)
async def worker(_visit: Visit) -> Answer:
    """The script that may answer for all pages of the store. It holds nothing of anybody."""
    own = {"Service-Worker-Allowed": "/store", "Cache-Control": "no-cache"}
    return Response(_worker(), media_type="text/javascript", headers=HEADERS | own)


@area.get("/store/ping", Permission.ORDERS_READ)
async def ping(visit: Visit) -> Answer:
    """The server answers, and so does its database: it has just looked up who asks."""
    return visit.html("")


@area.get(AWAY, Permission.ORDERS_READ)
async def away(visit: Visit) -> Answer:
    """What can be done without the server, and what has to wait."""
    return visit.respond("store/away.html")


def _stamped(version: str, lots_there: Sequence[str], day: str) -> str:
    """What a page depends on, with the lots that it names: a recall and a new day change which of them may be taken."""
    if not lots_there:
        return version
    return f"{version} {blake2b(' '.join(lots_there).encode(), digest_size=6).hexdigest()} {day}"


@area.get("/store/kept", Permission.ORDERS_READ)
async def kept(visit: Visit) -> Answer:
    """The addresses to keep, each with what its page depends on: what is the same as before need not be fetched again."""
    pages: dict[str, str] = dict.fromkeys(ALWAYS, "")
    async with visit.read() as reader:
        place = await store_desk.here(visit, reader)
        if place is not None:
            actor, now = visit.principal.actor, visit.page.now
            tasks = await fulfilment.urgent(reader, place.id, [Stage.TO_PICK], actor, now, limit=MOST_TASKS)
            stamps = await lots.stamps(reader, place.id)
            day = now.astimezone(visit.page.zone).date().isoformat() if stamps else ""
            ids = [one.id for one in tasks if one.assignee in {"", actor}]
            lines = {one.id: one.lines for one in await fulfilment.get_all(reader, ids)} if stamps and ids else {}
            for one in tasks:
                if one.assignee in {"", actor}:
                    own = [stamps[line.sku] for line in lines.get(one.id, ()) if line.sku in stamps]
                    pages[f"/store/pick/{store_desk.text_of(one.id)}"] = _stamped(str(one.version), own, day)
            pages |= await _transfers(reader, place.id)
            for wave in (await fulfilment.find_waves(reader, place.id, limit=_WAVES)).items:
                if wave.state is WaveState.OPEN and wave.orders:
                    version = _stamped(f"{wave.picked}/{wave.units}/{wave.orders}", sorted(stamps.values()), day)
                    pages[f"/store/waves/{to_text(WAVE_PREFIX, wave.id)}"] = version
    where = "" if place is None else lists.Sites.text(place.id)
    owner = f"{visit.principal.actor} {where} {visit.page.locale} {visit.page.theme}"
    body = msgspec.json.encode({"owner": owner, "pages": pages if place is not None else {AWAY: ""}})
    return Response(body, media_type="application/json", headers=HEADERS | {"Cache-Control": "no-store"})


async def _transfers(reader: Reader, location_id: LocationId) -> dict[str, str]:
    """Those that leave and those that arrive, with how far they are scanned."""
    wanted = TransferFilter(states=(TransferState.DRAFT, *ON_THE_ROAD), location_ids=(location_id,))
    found = (await inventory.find_transfers(reader, wanted, sort="number", limit=_TRANSFERS)).items
    out = [one for one in found if one.state is TransferState.DRAFT and one.from_location_id == location_id]
    into = [one for one in found if one.state is not TransferState.DRAFT and one.to_location_id == location_id]
    lines = await inventory.lines_of_transfers(reader, [one.id for one in out])
    scanned = await inventory.tallied(reader, [one.id for one in into])
    pages: dict[str, str] = {}
    for one in out:
        picked = sum(line.picked for line in lines.get(one.id, ()))
        pages[transfer_words.sending_href(one.id)] = f"{one.version}/{picked}"
    for one in into:
        pages[transfer_words.arriving_href(one.id)] = f"{one.version}/{scanned.get(one.id, 0)}"
    return pages
