"""Stock pools: the locations that feed a channel, in their order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound, Refusal, Stale
from comptoir.kernel.ids import to_text
from comptoir.modules.locations import api as locations
from comptoir.modules.locations.api import MAX_PRIORITY
from comptoir.modules.locations.contracts import (
    LOCATION_PREFIX,
    POOL_PREFIX,
    LocationId,
    Pool,
    PoolDraft,
    PoolId,
    PoolSummary,
)
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Page
from comptoir.surfaces.console.forms import Fields
from comptoir.surfaces.console.pages import lists
from comptoir.surfaces.console.pages.lists import Sites
from comptoir.surfaces.console.pages.locations import location_href, map_of
from comptoir.surfaces.console.pages.settings_tabs import tabs
from comptoir.surfaces.console.web import PAGE_SIZE, Answer, Area, Done, Visit

area = Area("settings")

MOST_MEMBERS = 1_500
"""More would not fit into a form: a larger pool is kept by the API."""


def pool_href(pool_id: PoolId) -> str:
    return f"/pools/{to_text(POOL_PREFIX, pool_id)}"


@area.get("/pools", Permission.LOCATIONS_READ)
async def pool_list(visit: Visit) -> Answer:
    sort = visit.sort(("code",), "code")
    if visit.wants_csv:
        header = [visit.say(word) for word in (N_("Code"), N_("Name"), N_("Locations"), N_("Channels"))]
        return visit.csv("pools", header, _exported(visit, sort))
    async with visit.read() as reader:
        page = await locations.find_pools(reader, sort=sort, limit=PAGE_SIZE, cursor=visit.cursor)
        fed = await _fed(visit, reader)
    return visit.respond(
        "locations/pools.html",
        "locations/_pools.html",
        rows=page.items,
        before=page.previous,
        after=page.next,
        sort=sort,
        fed=fed,
        tabs=tabs(visit, "pools"),
        href=pool_href,
    )


async def _fed(visit: Visit, reader: Reader) -> dict[PoolId, list[str]]:
    """The names of the channels that each pool feeds."""
    fed: dict[PoolId, list[str]] = {}
    for channel in await visit.console.channels(reader):
        fed.setdefault(channel.pool_id, []).append(channel.name or channel.code)
    return fed


async def _exported(visit: Visit, sort: str) -> AsyncIterator[Sequence[object]]:
    async with visit.read() as reader:
        fed = await _fed(visit, reader)

        async def page_of(cursor: str | None) -> Page[PoolSummary]:
            return await locations.find_pools(reader, sort=sort, limit=200, cursor=cursor)

        async for one in lists.every(page_of):
            yield one.code, one.name, one.size, ", ".join(fed.get(one.id, []))


# One pool, as a form


@dataclass(frozen=True, slots=True)
class Sheet:
    """A pool as it stands on the form. `pool` is the one that is changed; None for a new one."""

    code: str
    name: str
    members: Mapping[LocationId, int]
    pool: Pool | None = None

    @property
    def ordered(self) -> list[tuple[LocationId, int]]:
        return sorted(self.members.items(), key=lambda member: (member[1], member[0]))


def _sheet(pool: Pool) -> Sheet:
    return Sheet(pool.code, pool.name, {member.id: member.priority for member in pool.members}, pool)


@area.get("/pools/new", Permission.LOCATIONS_WRITE)
async def new_pool(visit: Visit) -> Answer:
    return await _show(visit, Sheet("", "", {}))


@area.get("/pools/{pool_id:str}", Permission.LOCATIONS_READ)
async def pool_page(visit: Visit) -> Answer:
    async with visit.read() as reader:
        pool = await locations.pool(reader, PoolId(visit.path_id("pool_id", POOL_PREFIX)))
    return await _show(visit, _sheet(pool))


async def _show(visit: Visit, sheet: Sheet, fields: Fields | None = None, refused: str = "") -> Answer:
    async with visit.read() as reader:
        places = await lists.sites(reader)
        fed = (await _fed(visit, reader)).get(sheet.pool.id, []) if sheet.pool else []
    by_id = {one.id: one for one in places.rows}
    errors = fields.errors if fields else {}
    return visit.respond(
        "locations/pool.html",
        "locations/_pool_form.html",
        status=422 if errors or refused else 200,
        sheet=sheet,
        title=sheet.name or sheet.code or visit.say(N_("New stock pool")),
        action="/pools/new" if sheet.pool is None else pool_href(sheet.pool.id),
        rows=[(by_id[location], priority) for location, priority in sheet.ordered if location in by_id],
        others=[(Sites.text(one.id), lists.label(one)) for one in places.rows if one.active and one.id not in sheet.members],
        version=sheet.pool.version if sheet.pool else "",
        fed=fed,
        text_of=Sites.text,
        location_href=location_href,
        errors=errors,
        refused=refused,
        may_write=visit.may(Permission.LOCATIONS_WRITE),
        spec=map_of(visit, [by_id[one] for one in sheet.members if one in by_id]),
    )


@area.post("/pools/new", Permission.LOCATIONS_WRITE)
async def create_pool(visit: Visit) -> Answer:
    return await _save(visit, None)


@area.post("/pools/{pool_id:str}", Permission.LOCATIONS_WRITE)
async def save_pool(visit: Visit) -> Answer:
    async with visit.read() as reader:
        pool = await locations.pool(reader, PoolId(visit.path_id("pool_id", POOL_PREFIX)))
    return await _save(visit, pool)


async def _save(visit: Visit, pool: Pool | None) -> Answer:
    """Adds locations to the form, or keeps the pool, as the button says. A cleared priority takes its location away."""
    fields = visit.fields()
    step = fields.one_of("step", ("add", "all", "keep"), "keep")
    members = _members(fields)
    if step == "add":
        added = fields.optional_id("add", LOCATION_PREFIX)
        if added is None:
            fields.refuse("add", N_("Choose one."))
        else:
            members[LocationId(added)] = fields.whole("priority", most=MAX_PRIORITY, default=0)
    elif step == "all":
        async with visit.read() as reader:
            everywhere = await lists.sites(reader)
        priority = fields.whole("priority", most=MAX_PRIORITY, default=0)
        members |= {one.id: priority for one in everywhere.rows if one.active and one.id not in members}
    if len(members) > MOST_MEMBERS:
        fields.refuse("add", N_("A pool of more than %(most)s locations is kept by the API."), most=MOST_MEMBERS)
    sheet = Sheet(fields.raw("code"), fields.raw("name"), members, pool)
    if step != "keep":
        return await _show(visit, sheet, fields)
    draft = PoolDraft(code=fields.text("code", required=True, most=64), name=fields.text("name"), members=list(members.items()))
    version = fields.whole("version", default=0)
    if fields.errors:
        return await _show(visit, sheet, fields)

    async def work(tx: Tx) -> Done:
        if pool is None:
            made = await locations.create_pool(tx, draft)
        else:
            made = await locations.update_pool(tx, pool.id, draft, version=version)
        action = "pool.created" if pool is None else "pool.changed"
        await visit.record(tx, action, to_text(POOL_PREFIX, made.id), {"code": made.code, "locations": len(made.members)})
        return Done(pool_href(made.id), visit.say(N_("The stock pool is saved. Its channels promise from it at once.")))

    try:
        return await visit.act(work)
    except Stale as stale:
        async with visit.read() as reader:
            now = await locations.pool(reader, pool.id) if pool else None
        return await _show(visit, replace(sheet, pool=now), fields, visit.refusal(stale))
    except NotFound:
        raise
    except Refusal as refusal:
        return await _show(visit, sheet, fields, visit.refusal(refusal))


def _members(fields: Fields) -> dict[LocationId, int]:
    found: dict[LocationId, int] = {}
    for text, priority in fields.starting("priority:").items():
        location = Fields({"id": [text]}).optional_id("id", LOCATION_PREFIX)
        if location is not None and priority:
            found[LocationId(location)] = fields.whole(f"priority:{text}", most=MAX_PRIORITY)
    return found
