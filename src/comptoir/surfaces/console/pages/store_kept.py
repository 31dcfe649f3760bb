"""What a phone keeps of its store for when the server cannot be reached: the worker that gives it, and what is to be kept.

The pages are kept as they are shown, under the permissions of whoever is signed in, and dropped with the sign-out
(`static/store-keep.js`, `app.js`). Nothing is made for it that a page would not say.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec
from litestar import Response

from comptoir.kernel.ids import to_text
from comptoir.modules.fulfilment import api as fulfilment
from comptoir.modules.fulfilment.contracts import WAVE_PREFIX, Stage, WaveState
from comptoir.modules.staff.contracts import Permission
from comptoir.surfaces.console.pages import lists, store_desk
from comptoir.surfaces.console.rendering import STATIC
from comptoir.surfaces.console.visits import HEADERS
from comptoir.surfaces.console.web import Answer, Area, Visit

area = Area("store")

AWAY = "/store/away"
ALWAYS = (AWAY, "/store", "/store/pick", "/store/out")
"""Kept anew each time: what they say is of the whole store."""
MOST_TASKS = 40
_WAVES = 10


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


@area.get("/store/kept", Permission.ORDERS_READ)
async def kept(visit: Visit) -> Answer:
    """The addresses to keep, each with what its page depends on: what is the same as before need not be fetched again."""
    pages: dict[str, str] = dict.fromkeys(ALWAYS, "")
    async with visit.read() as reader:
        place = await store_desk.here(visit, reader)
        if place is not None:
            actor, now = visit.principal.actor, visit.page.now
            tasks = await fulfilment.urgent(reader, place.id, [Stage.TO_PICK], actor, now, limit=MOST_TASKS)
            for one in tasks:
                if one.assignee in {"", actor}:
                    pages[f"/store/pick/{store_desk.text_of(one.id)}"] = str(one.version)
            for wave in (await fulfilment.find_waves(reader, place.id, limit=_WAVES)).items:
                if wave.state is WaveState.OPEN and wave.orders:
                    version = f"{wave.picked}/{wave.units}/{wave.orders}"
                    pages[f"/store/waves/{to_text(WAVE_PREFIX, wave.id)}"] = version
    where = "" if place is None else lists.Sites.text(place.id)
    owner = f"{visit.principal.actor} {where} {visit.page.locale} {visit.page.theme}"
    body = msgspec.json.encode({"owner": owner, "pages": pages if place is not None else {AWAY: ""}})
    return Response(body, media_type="application/json", headers=HEADERS | {"Cache-Control": "no-store"})
