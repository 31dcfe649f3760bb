"""One rule set: its rules as a sentence with blanks, saved, put live, taken back, retired, or copied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

from comptoir.i18n import N_
from comptoir.kernel.errors import NotFound, Refusal, Stale
from comptoir.modules.routing import api as routing
from comptoir.modules.routing.api import MAX_POSITION
from comptoir.modules.routing.contracts import (
    RULE_SET_PREFIX,
    RuleSet,
    RuleSetDraft,
    RuleSetId,
    RuleSetState,
    RuleSetVersion,
)
from comptoir.modules.staff.contracts import Permission
from comptoir.runtime.database import Reader, Tx
from comptoir.runtime.paging import Page
from comptoir.surfaces import rulebook
from comptoir.surfaces.console.pages import asking, condition_blanks, lists
from comptoir.surfaces.console.pages import routing_blanks as blanks
from comptoir.surfaces.console.pages.amounts import affixes, house_currency
from comptoir.surfaces.console.pages.asking import Typed
from comptoir.surfaces.console.pages.routing import (
    hidden_by,
    id_of,
    rule_set_href,
    rule_set_text,
    starts,
    told_of,
)
from comptoir.surfaces.console.pages.routing_form import STARTS, Sheet, meant, stepped, typed, written
from comptoir.surfaces.console.pages.routing_words import RATING_WORDS, teller
from comptoir.surfaces.console.web import Answer, Area, Done, Visit

area = Area("routing")

NEWEST = 6
"""So many versions stand beside the form."""
BETWEEN = 10
"""Between the numbers of two rule sets, so that others fit in."""


# The page


@area.get("/routing/new", Permission.ROUTING_WRITE)
async def new_rule_set(visit: Visit) -> Answer:
    """Empty, after one of the usual beginnings, or as another one is (`from`)."""
    async with visit.read() as reader:
        draft = await _begun(visit, reader)
        currency = await house_currency(reader)
    return await _show(visit, None, written(draft, currency, visit.page.locale))


async def _begun(visit: Visit, reader: Reader) -> RuleSetDraft:
    other = visit.optional_id("from", RULE_SET_PREFIX)
    if other is not None:
        there = await routing.get(reader, RuleSetId(other))
        name = visit.say(N_("Copy of %(name)s"), name=there.name)
        return RuleSetDraft(code="", name=name, rules=there.rules, position=there.position, share=there.share)
    last = max((one.position for one in await routing.live(reader)), default=0)
    position = min(last // BETWEEN * BETWEEN + BETWEEN, MAX_POSITION)
    start = STARTS.get(visit.param("like"))
    return (
        RuleSetDraft(code="", position=position)
        if start is None
        else RuleSetDraft(code="", position=position, rules=start[1]())
    )


@area.get("/routing/{rule_set_id:str}", Permission.ROUTING_READ)
async def rule_set_page(visit: Visit) -> Answer:
    """With `rules=3`, the rules of that version stand in the form, to be saved again."""
    async with visit.read() as reader:
        rule_set = await routing.get(reader, id_of(visit))
        currency = await house_currency(reader)
        text = visit.param("rules")
        said = None
        if text.isascii() and text.isdigit() and len(text) < 10 and int(text) != rule_set.version:
            said = await routing.said(reader, rule_set.id, int(text))
    draft = rule_set if said is None else replace(rule_set, rules=said.rules)
    return await _show(visit, rule_set, written(draft, currency, visit.page.locale), said=said)


async def _show(
    visit: Visit, rule_set: RuleSet | None, sheet: Sheet, refused: str = "", said: RuleSetVersion | None = None
) -> Answer:
    """The form, or what it says for who may not change it. `said` is the version whose rules stand in it."""
    is_open = rule_set is None or rule_set.state is not RuleSetState.RETIRED or bool(refused)
    may_write = visit.may(Permission.ROUTING_WRITE)
    async with visit.read() as reader:
        choices = await blanks.choices(visit, reader)
        words = await teller(visit, reader, [rule_set.rules] if rule_set else [])
        live = await routing.live(reader)
        page: Page[RuleSetVersion] = Page([])
        if rule_set is not None:
            page = await routing.versions(reader, rule_set.id, limit=NEWEST)
        entries = await told_of(visit, reader, page)
    problems = bool(sheet.errors)
    return visit.respond(
        "routing/rule_set.html",
        "routing/_form.html",
        status=422 if problems or refused else 200,
        rule_set=rule_set,
        title=visit.say(N_("New rule set")) if rule_set is None else rule_set.name,
        href="/routing/new" if rule_set is None else rule_set_href(rule_set.id),
        text="" if rule_set is None else rule_set_text(rule_set.id),
        version="" if rule_set is None else rule_set.version,
        sheet=sheet,
        picks=blanks.picks_of(visit, sheet, choices),
        orders=blanks.orders_of(visit, sheet, choices),
        lines=blanks.lines(visit, sheet, choices.currency),
        left=[(rating.value, visit.say(RATING_WORDS[rating])) for rating in sheet.left],
        modes=lists.options_of(visit, blanks.MODES),
        fulls=[("", visit.say(N_("gets no more"))), ("more", visit.say(N_("may get more")))],
        lates=[("", visit.say(N_("only comes after others"))), ("out", visit.say(N_("is left out")))],
        doubts=[("", visit.say(N_("counts what it was to send"))), ("nothing", visit.say(N_("counts nothing")))],
        turns=" · ".join(f"{one.name} {one.position}" for one in live[:5] if rule_set is None or one.id != rule_set.id),
        coin=affixes(choices.currency, visit.page.locale),
        parcels=blanks.parcels(visit),
        refused=refused or (visit.say(N_("Something is not right yet.")) if problems else ""),
        said=said,
        editable=may_write and is_open,
        may_write=may_write,
        prose=words.prose(rule_set.rules, rule_set.share) if rule_set else [],
        hidden_by=hidden_by(rule_set, live) if rule_set and rule_set.state is RuleSetState.LIVE else "",
        entries=entries,
        more=page.next is not None,
        starts=starts(visit) if rule_set is None else [],
    )


# Saving


@area.post("/routing/new", Permission.ROUTING_WRITE)
async def create_rule_set(visit: Visit) -> Answer:
    return await _save(visit, None)


@area.post("/routing/{rule_set_id:str}", Permission.ROUTING_WRITE)
async def save_rule_set(visit: Visit) -> Answer:
    async with visit.read() as reader:
        rule_set = await routing.get(reader, id_of(visit))
    return await _save(visit, rule_set)


async def _save(visit: Visit, rule_set: RuleSet | None) -> Answer:
    """Moves ratings about in the form, keeps the rule set, or keeps it and puts it live, as the button says."""
    fields = visit.fields()
    step = fields.raw("step") or "keep"
    if step not in {"keep", "live"}:
        return await _show(visit, rule_set, stepped(typed(fields, keeps=False), step, fields.raw("add")))
    async with visit.read() as reader:
        currency = await house_currency(reader)
    draft, version = meant(fields, currency), fields.whole("version", default=0)
    if fields.errors:
        return await _show(visit, rule_set, typed(fields))

    async def work(tx: Tx) -> Done:
        await rulebook.require_known(tx, draft.rules)
        kept = await _kept(visit, tx, rule_set, draft, version)
        if step == "live" and kept.state is not RuleSetState.LIVE:
            kept = await _moved(visit, tx, kept, RuleSetState.LIVE)
        return Done(rule_set_href(kept.id), _saved_words(visit, kept))

    try:
        return await visit.act(work)
    except NotFound:
        raise
    except Refusal as refusal:
        return await _refused(visit, rule_set, typed(fields), refusal, version, draft)


async def _kept(visit: Visit, tx: Tx, rule_set: RuleSet | None, draft: RuleSetDraft, version: int) -> RuleSet:
    if rule_set is None:
        made = await routing.create(tx, draft)
        await visit.record(tx, "rule_set.created", rule_set_text(made.id), {"code": made.code, "name": made.name})
        return made
    there = await routing.get(tx, rule_set.id)
    if there.version == version and _same(there, draft):
        return there
    changed = await routing.update(tx, rule_set.id, draft, version=version)
    data = {"code": changed.code, "name": changed.name, "version": changed.version}
    await visit.record(tx, "rule_set.changed", rule_set_text(changed.id), data)
    return changed


def _same(there: RuleSet, draft: RuleSetDraft) -> bool:
    ours = (draft.code, draft.name or draft.code, draft.position, draft.share, draft.rules)
    return (there.code, there.name, there.position, there.share, there.rules) == ours


def _saved_words(visit: Visit, kept: RuleSet) -> str:
    if kept.state is RuleSetState.LIVE:
        return visit.say(N_("The rule set is live: orders go by it from now on."))
    return visit.say(N_("The draft is saved. It decides nothing before it is put live."))


async def _refused(
    visit: Visit, rule_set: RuleSet | None, sheet: Sheet, refusal: Refusal, version: int, draft: RuleSetDraft
) -> Answer:
    """The form with what was typed. Who was slower is told what the faster one has changed."""
    words, now = visit.refusal(refusal), rule_set
    if rule_set is not None:
        async with visit.read() as reader:
            now = await routing.get(reader, rule_set.id)
            if isinstance(refusal, Stale):
                words = await _what_changed(visit, reader, now, version)
    gone = _gone(visit, refusal, draft)
    return await _show(visit, now, replace(sheet, errors=gone), "" if gone else words)


def _gone(visit: Visit, refusal: Refusal, draft: RuleSetDraft) -> dict[str, str]:
    """What the rules name that is not there, by the field of the form."""
    found = condition_blanks.gone(visit, refusal, draft.rules.condition)
    told = cast("Sequence[Mapping[str, str]]", refusal.data.get("errors", ()))
    if any(one["path"].startswith("rules.excluded") for one in told):
        found["excluded"] = visit.say(N_("One of these locations is not there any more."))
    return found


async def _what_changed(visit: Visit, reader: Reader, now: RuleSet, version: int) -> str:
    if not 1 <= version < now.version:
        return visit.refusal(Stale())
    seen, there = await routing.said(reader, now.id, version), await routing.said(reader, now.id, now.version)
    changes = (await teller(visit, reader, [seen.rules, there.rules])).changes(seen, there)
    said = visit.say(N_("Someone else has changed this rule set since you opened it. %(changes)s."), changes="; ".join(changes))
    return f"{said} {visit.say(N_('Send yours again to have them.'))}"


# Its life


@area.post("/routing/{rule_set_id:str}/state", Permission.ROUTING_WRITE)
async def move_rule_set(visit: Visit) -> Answer:
    fields = visit.fields()
    state = fields.choice("to", RuleSetState)
    version = fields.whole("version", default=0)
    share = fields.whole("share", least=1, most=100) if state is RuleSetState.LIVE and fields.raw("share") else None
    async with visit.read() as reader:
        rule_set = await routing.get(reader, id_of(visit))
        currency = await house_currency(reader)

    async def work(tx: Tx) -> Done:
        there = await routing.get(tx, rule_set.id)
        if there.version != version and there.state is not state:
            raise Stale(kind="rule_set", id=there.id, version=there.version)
        if share is not None and share != there.share:
            there = await _kept(visit, tx, there, replace(there, share=share), there.version)
        moved = await _moved(visit, tx, there, state)
        return Done(rule_set_href(moved.id), _moved_words(visit, moved))

    async def show(refused: Typed) -> Answer:
        async with visit.read() as reader:
            now = await routing.get(reader, rule_set.id)
            words = refused.refused
            if isinstance(refused.refusal, Stale):
                words = await _what_changed(visit, reader, now, version)
        return await _show(visit, now, written(now, currency, visit.page.locale), words)

    return await asking.answer(visit, fields, work, show)


async def _moved(visit: Visit, tx: Tx, rule_set: RuleSet, state: RuleSetState) -> RuleSet:
    moved = await routing.move(tx, rule_set.id, state, version=rule_set.version)
    action = (
        "rule_set.put_live"
        if state is RuleSetState.LIVE
        else "rule_set.taken_back"
        if state is RuleSetState.DRAFT
        else "rule_set.retired"
    )
    await visit.record(tx, action, rule_set_text(moved.id), {"code": moved.code, "name": moved.name})
    return moved


def _moved_words(visit: Visit, moved: RuleSet) -> str:
    match moved.state:
        case RuleSetState.LIVE:
            return visit.say(N_("The rule set is live: orders go by it from now on."))
        case RuleSetState.DRAFT:
            return visit.say(N_("The rule set is taken back: orders go on to the next one."))
        case RuleSetState.RETIRED:
            return visit.say(N_("The rule set is retired. What it decided can still be explained."))
