"""Every return: what waits for a decision, what is on its way, what is to be looked at, and what is done."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from comptoir.i18n import N_
from comptoir.modules.changes import api as changes
from comptoir.modules.changes.contracts import LATE, LabelStanding, Reason, ReturnCase, ReturnFilter, ReturnState
from comptoir.modules.locations.contracts import LOCATION_PREFIX, LocationId
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader
from comptoir.surfaces.console.pages import lists, return_finding
from comptoir.surfaces.console.pages.naming import channels_of
from comptoir.surfaces.console.pages.orders import order_href
from comptoir.surfaces.console.pages.return_words import REASON_WORDS, reasons, return_href, stamp
from comptoir.surfaces.console.web import PAGE_SIZE, Answer, Area, Visit

area = Area("returns")

_S = ReturnState
TABS: Mapping[str, tuple[str, tuple[ReturnState, ...]]] = {
    "": (N_("All"), ()),
    "approve": (N_("To approve"), (_S.REQUESTED,)),
    "coming": (N_("On their way"), (_S.APPROVED, _S.IN_TRANSIT)),
    "inspect": (N_("To inspect"), (_S.RECEIVED,)),
    "done": (N_("Done"), (_S.INSPECTED, _S.CLOSED)),
    "declined": (N_("Declined, given up"), (_S.DECLINED, _S.CANCELLED)),
}
SORTS = ("requested",)
_COLUMNS = (
    N_("Return"), N_("Order"), N_("Channel"), N_("State"), N_("Reason"), N_("Units"), N_("Received"), N_("Location"),
    N_("Tracking number"), N_("Asked for"), N_("Finished"),
)  # fmt: skip


async def waiting(reader: Reader) -> int:
    """What waits for somebody to approve it."""
    return (await changes.count_returns(reader, ReturnFilter(states=(_S.REQUESTED,)))).rows


async def _wanted(visit: Visit, reader: Reader) -> ReturnFilter:
    q = visit.param("q").strip()[:200]
    location = visit.optional_id("location", LOCATION_PREFIX)
    return ReturnFilter(
        channel=visit.param("channel"),
        reason=lists.chosen(visit, "reason", Reason),
        location=LocationId(location) if location is not None else None,
        late_at=visit.page.now if visit.param("late") else None,
        labels=(LabelStanding.WANTED, LabelStanding.REFUSED, LabelStanding.TO_VOID) if visit.param("label") else (),
        giving_back=bool(visit.param("goods")),
        search=return_finding.plain(q),
        search_orders=await return_finding.orders_meant(visit, reader, q),
    )


@area.get("/returns", Permission.ORDERS_READ)
async def return_list(visit: Visit) -> Answer:
    sort = visit.sort(SORTS, "-requested")
    tab = visit.param("tab") if visit.param("tab") in TABS else ""
    async with visit.read() as reader:
        wanted = await _wanted(visit, reader)
        of_tab = replace(wanted, states=TABS[tab][1])
        if visit.wants_csv:
            return visit.csv("returns", [visit.say(word) for word in _COLUMNS], _exported(visit, of_tab, sort))
        page = await changes.find_returns(reader, of_tab, sort=sort, limit=PAGE_SIZE, cursor=visit.cursor)
        rows = await changes.with_units(reader, page.items)
        counts = await changes.counts_of_returns(reader, wanted)
        channels = await channels_of(visit, reader)
        places = await lists.sites(reader)
    chips = lists.chips(
        visit,
        [
            (N_("Channel"), "channel", dict(channels.options)),
            (N_("Reason"), "reason", dict(lists.options_of(visit, REASON_WORDS))),
            (N_("Location"), "location", dict(places.options)),
            (N_("Late"), "late", {"yes": visit.say(N_("waits for too long"))}),
            (N_("Prepaid label"), "label", {"doubt": visit.say(N_("in doubt or unfinished"))}),
            (N_("Declined goods"), "goods", {"here": visit.say(N_("still here"))}),
        ],
    )
    return visit.respond(
        "returns/list.html",
        "returns/_results.html",
        rows=rows,
        before=page.previous,
        after=page.next,
        sort=sort,
        total=sum(count for state, count in counts.items() if not TABS[tab][1] or state in TABS[tab][1]),
        channels=channels,
        places=places,
        reason_options=lists.options_of(visit, REASON_WORDS),
        tabs=[
            (visit.say(word), visit.page.href(tab=key, sort=None), key == tab, _count(counts, states))
            for key, (word, states) in TABS.items()
        ],
        chips=chips,
        href=return_href,
        order_href=order_href,
        code=changes.return_code,
        stamp=partial(stamp, visit),
        reasons=partial(reasons, visit),
        late=partial(is_late, visit),
        is_empty=not rows and not chips and not visit.param("q") and not tab,
    )


def _count(counts: Mapping[ReturnState, int], states: Sequence[ReturnState]) -> int | None:
    return sum(counts.get(state, 0) for state in states) if states else None


def is_late(visit: Visit, case: ReturnCase) -> bool:
    """Whether somebody has waited for it too long."""
    patience = LATE.get(case.state)
    if patience is None:
        return False
    since = case.sent_at or case.decided_at or case.requested_at
    if case.state is ReturnState.RECEIVED:
        since = min([row.received_at for row in case.received if row.to_inspect], default=visit.page.now)
    return since < visit.page.now - patience


async def _exported(visit: Visit, wanted: ReturnFilter, sort: str) -> AsyncIterator[Sequence[object]]:
    async with visit.read() as reader:
        channels = await channels_of(visit, reader)
        places = await lists.sites(reader)
        async for case in changes.stream_returns(reader, wanted, sort=sort):
            yield (
                changes.return_code(case.number),
                case.order_number,
                channels[case.channel].name if case.channel else "",
                stamp(visit, case).word,
                reasons(visit, case),
                sum(item.quantity for item in case.items),
                sum(row.quantity for row in case.received),
                places[case.location_id] if case.location_id is not None else "",
                case.tracking_number,
                case.requested_at,
                case.closed_at,
            )
