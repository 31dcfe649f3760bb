"""Routing: the rule sets in the order in which they are asked, what each of them ever said, and the steps of its life."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound
from comptoir.kernel.ids import to_text
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.contracts import RULE_SET_PREFIX, RuleSet, RuleSetId, RuleSetState, RuleSetVersion
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader
from comptoir.runtime.paging import Page
from comptoir.surfaces.console.pages import lists
from comptoir.surfaces.console.pages.naming import people_of
from comptoir.surfaces.console.pages.routing_form import STARTS
from comptoir.surfaces.console.pages.routing_words import Teller, state_word, teller
from comptoir.surfaces.console.web import PAGE_SIZE, Answer, Area, Visit

area = Area("routing")


def rule_set_text(rule_set_id: RuleSetId) -> str:
    return to_text(RULE_SET_PREFIX, rule_set_id)


def rule_set_href(rule_set_id: RuleSetId) -> str:
    return f"/routing/{rule_set_text(rule_set_id)}"


def id_of(visit: Visit) -> RuleSetId:
    return RuleSetId(visit.path_id("rule_set_id", RULE_SET_PREFIX))


# The list


@dataclass(frozen=True, slots=True)
class Shown:
    """A rule set in the list. `rank` is its turn among those that are live; None for those that are not asked."""

    rule_set: RuleSet
    rank: int | None
    summary: str
    hidden_by: str
    """The name of the one that takes all of its orders before it; empty where there is none."""


@area.get("/routing", Permission.ROUTING_READ)
async def rule_set_list(visit: Visit) -> Answer:
    sort = visit.sort(("position", "code"), "position")
    state, q = lists.chosen(visit, "state", RuleSetState), visit.param("q")
    if visit.wants_csv:
        return visit.csv("rule-sets", [visit.say(word) for word in _COLUMNS], _exported(visit, state, q, sort))
    async with visit.read() as reader:
        page = await routing.find(reader, state, q, retired=state is not None, sort=sort, limit=PAGE_SIZE, cursor=visit.cursor)
        live = await routing.live(reader)
        words = await teller(visit, reader, [one.rules for one in page.items])
    states = [
        (state.value, state_word(visit, state)) for state in (RuleSetState.LIVE, RuleSetState.DRAFT, RuleSetState.RETIRED)
    ]
    return visit.respond(
        "routing/list.html",
        "routing/_results.html",
        rows=_shown(words, page.items, live),
        before=page.previous,
        after=page.next,
        sort=sort,
        states=states,
        chips=lists.chips(visit, [(N_("State"), "state", dict(states))]),
        href=rule_set_href,
        nothing_live=not live,
        starts=starts(visit),
        is_empty=not page.items and not visit.page.query,
    )


def starts(visit: Visit) -> list[tuple[str, str]]:
    """Rules to begin from: (address, word)."""
    return [(f"/routing/new?like={name}", visit.say(word)) for name, (word, _) in STARTS.items()]


def _shown(words: Teller, found: Iterable[RuleSet], live: Sequence[RuleSet]) -> list[Shown]:
    ranks = {one.id: n for n, one in enumerate(live, start=1)}
    return [
        Shown(one, ranks.get(one.id), words.summary(one.rules), hidden_by(one, live) if one.id in ranks else "")
        for one in found
    ]


def hidden_by(rule_set: RuleSet, live: Iterable[RuleSet]) -> str:
    """The name of a live rule set that leaves nothing to this one; empty where there is none."""
    found = next((one for one in live if one.id != rule_set.id and routing.takes_all(one, rule_set)), None)
    return found.name if found else ""


_COLUMNS = (N_("Code"), N_("Name"), N_("State"), N_("Asked as number"), N_("Share"), N_("Rules"))


async def _exported(visit: Visit, state: RuleSetState | None, q: str, sort: str) -> AsyncIterator[Sequence[object]]:
    async with visit.read() as reader:

        async def page_of(cursor: str | None) -> Page[RuleSet]:
            return await routing.find(reader, state, q, retired=state is not None, sort=sort, limit=200, cursor=cursor)

        found = [one async for one in lists.every(page_of)]
        words = await teller(visit, reader, [one.rules for one in found])
        for one in found:
            yield one.code, one.name, state_word(visit, one.state), one.position, one.share, words.summary(one.rules)


# What it ever said


@dataclass(frozen=True, slots=True)
class Told:
    """A version in the history of its rule set."""

    version: int
    at: datetime
    who: str
    what: str
    details: Sequence[str]
    icon: str
    tone: str
    href: str


_TONES: Mapping[RuleSetState, tuple[str, str]] = {
    RuleSetState.LIVE: ("player-play", "good"),
    RuleSetState.DRAFT: ("arrow-back-up", "neutral"),
    RuleSetState.RETIRED: ("archive", "neutral"),
}


async def told_of(visit: Visit, reader: Reader, page: Page[RuleSetVersion]) -> list[Told]:
    """What changed with each version of a page, in words, and who did it."""
    if not page.items:
        return []
    last = page.items[-1]
    before = [await routing.said(reader, last.rule_set_id, last.version - 1)] if last.version > 1 else []
    versions = [*page.items, *before]
    words = await teller(visit, reader, [one.rules for one in versions])
    people = await people_of(visit, reader, [one.actor for one in page.items], words.channels)
    olds: list[RuleSetVersion | None] = [*versions[1:], *([] if before else [None])]
    return [_told(visit, words, old, new, people[new.actor]) for old, new in zip(olds, page.items, strict=True)]


def _told(visit: Visit, words: Teller, old: RuleSetVersion | None, new: RuleSetVersion, who: str) -> Told:
    first, *rest = words.changes(old, new) or [visit.say(N_("Saved without a change"))]
    icon, tone = "plus", "neutral"
    if old is not None:
        icon, tone = ("edit", "neutral") if old.state is new.state else _TONES[new.state]
        if old.state is new.state and (rest or first != visit.say(N_("Saved without a change"))):
            first, rest = visit.say(N_("Changed")), [first, *rest]
    return Told(new.version, new.at, who, first, rest, icon, tone, f"{rule_set_href(new.rule_set_id)}/versions/{new.version}")


@area.get("/routing/{rule_set_id:str}/history", Permission.ROUTING_READ)
async def history(visit: Visit) -> Answer:
    async with visit.read() as reader:
        rule_set = await routing.get(reader, id_of(visit))
        page = await routing.versions(reader, rule_set.id, limit=PAGE_SIZE, cursor=visit.cursor)
        entries = await told_of(visit, reader, page)
    return visit.respond(
        "routing/history.html",
        rule_set=rule_set,
        href=rule_set_href(rule_set.id),
        entries=entries,
        before=page.previous,
        after=page.next,
    )


@area.get("/routing/{rule_set_id:str}/versions/{version:str}", Permission.ROUTING_READ)
async def version_page(visit: Visit) -> Answer:
    text = visit.path("version")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise NotFound(kind="version", id=text[:64])
    async with visit.read() as reader:
        rule_set = await routing.get(reader, id_of(visit))
        said = await routing.said(reader, rule_set.id, int(text))
        words = await teller(visit, reader, [said.rules, rule_set.rules])
        (entry,) = await told_of(visit, reader, Page([said]))
    return visit.respond(
        "routing/version.html",
        rule_set=rule_set,
        href=rule_set_href(rule_set.id),
        said=said,
        entry=entry,
        prose=words.prose(said.rules, said.share),
        differs=words.differences(said.rules, rule_set.rules),
        may_write=visit.may(Permission.ROUTING_WRITE) and rule_set.state is not RuleSetState.RETIRED,
    )
