"""The audit trail: who did what, when, from where."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from urllib.parse import urlencode

import msgspec

from comptoir.i18n import N_
from comptoir.modules.staff import api as staff
from comptoir.modules.staff.contracts import AuditEntry, AuditFilter, Permission, UserFilter
from comptoir.runtime.database import Reader
from comptoir.surfaces.console.pages import lists
from comptoir.surfaces.console.pages.access import device
from comptoir.surfaces.console.pages.audit_words import action_words, choice_words, choices
from comptoir.surfaces.console.pages.naming import channels_of, people_of
from comptoir.surfaces.console.pages.settings_tabs import tabs
from comptoir.surfaces.console.web import PAGE_SIZE, Answer, Area, Visit

area = Area("settings")

_PLACES: Mapping[str, str] = {
    "ord": "/orders/", "trf": "/transfers/", "cnt": "/counts/", "loc": "/locations/", "pool": "/pools/", "imp": "/imports/",
    "exc": "/exceptions/", "cust": "/customers/", "rul": "/routing/", "sch": "/routing/schedules/", "csv": "/carriers/",
    "whe": "/settings/webhooks/", "whd": "/settings/deliveries/",
}  # fmt: skip


@area.get("/settings/audit", Permission.AUDIT_READ)
async def audit(visit: Visit) -> Answer:
    sort = visit.sort(("time",), "-time")
    wanted = AuditFilter(
        search=visit.param("q"),
        actor=visit.param("who"),
        action=visit.param("what"),
        since=visit.day("on_from"),
        until=visit.day("on_to", end=True),
    )
    if visit.wants_csv:
        return visit.csv("audit", [visit.say(word) for word in _COLUMNS], _exported(visit, wanted, sort))
    async with visit.read() as reader:
        page = await staff.find_audit(reader, wanted, sort=sort, limit=PAGE_SIZE, cursor=visit.cursor)
        people = await people_of(visit, reader, [entry.actor for entry in page.items], await channels_of(visit, reader))
        who = await _users(reader) if not visit.is_fragment or visit.param("who") else []
    return visit.respond(
        "settings/audit.html",
        "settings/_audit.html",
        rows=page.items,
        before=page.previous,
        after=page.next,
        sort=sort,
        people=people,
        who=who,
        actions=choices(visit),
        action_words=partial(action_words, visit),
        href=subject_href,
        data_words=data_words,
        chips=lists.chips(
            visit,
            [
                (N_("Who"), "who", dict(who)),
                (N_("What"), "what", choice_words(visit)),
                (N_("From"), "on_from", {}),
                (N_("To"), "on_to", {}),
            ],
        ),
        tabs=tabs(visit, "audit"),
        is_empty=not page.items and not visit.page.query,
    )


async def _users(reader: Reader) -> list[tuple[str, str]]:
    found = await staff.find_users(reader, UserFilter(), sort="name", limit=200)
    return [(f"user:{one.id}", one.name) for one in found.items]


def subject_href(entry: AuditEntry) -> str:
    """Where what it was done to can be looked at."""
    prefix, _, rest = entry.subject.rpartition("_")
    if prefix in _PLACES and rest:
        return f"{_PLACES[prefix]}{entry.subject}"
    if entry.action.startswith("stock.") and entry.subject:
        return "/stock?" + urlencode({"q": entry.subject})
    return ""


def data_words(data: Mapping[str, object]) -> str:
    """On one line: `role: store → buyer, units: 3`."""
    return ", ".join(f"{name}: {_value(name, value)}" for name, value in data.items() if value not in ("", None))


def _value(name: str, value: object) -> str:
    if isinstance(value, dict) and set(value) == {"from", "to"}:  # pyright: ignore[reportUnknownArgumentType]
        return f"{value['from']} → {value['to']}"
    if name == "agent" and isinstance(value, str):
        return device(value)
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


_COLUMNS = (
    N_("Time"), N_("Who"), N_("What"), N_("Code"), N_("Subject"), N_("Details"), N_("Address"), N_("Request id"),
)  # fmt: skip


async def _exported(visit: Visit, wanted: AuditFilter, sort: str) -> AsyncIterator[Sequence[object]]:
    async with visit.read() as reader:
        channels = await channels_of(visit, reader)
        known: dict[str, str] = {}
        async for one in staff.stream_audit(reader, wanted, sort=sort):
            if one.actor not in known:
                known[one.actor] = (await people_of(visit, reader, [one.actor], channels))[one.actor]
            what, details = action_words(visit, one.action), data_words(one.data)
            yield one.at, known[one.actor], what, one.action, one.subject, details, one.address, one.request_id
